// SPDX-License-Identifier: MIT

import ShownText

/// Files that are not there, or that the app's user cannot see.
enum MissingFileTopic {
    static func find(in evidence: Evidence) -> DiagnosisFinding? {
        let named: [String?] = [
            evidence.text(after: "No such file or directory: '", upTo: "'"),
            evidence.text(after: "No such file or directory @ ", upTo: " (Errno::").flatMap { text in
                text.ranges(of: " - ").first.map { String(text[$0.upperBound...]) }
            },
            evidence.text(after: "ENOENT: no such file or directory, ").flatMap { text in
                let parts = text.split(separator: "'", omittingEmptySubsequences: false)
                return parts.count >= 3 ? String(parts[1]) : nil
            },
        ]
        return named.compactMap { $0 }.first.map { .missingFile($0) }
    }

    static func remedies(_ path: String, _ scene: DiagnosisScene) -> [Remedy] {
        let absolute = path.utf8.first == UInt8(ascii: "/") ? path : "\(scene.appRoot)/\(path)"
        return [
            .init(
                "Look whether \(SafeText.name(absolute)) is there; if it is, \(scene.userName) cannot see it:",
                shell: "namei -l \(absolute)"
            )
        ]
    }
}
