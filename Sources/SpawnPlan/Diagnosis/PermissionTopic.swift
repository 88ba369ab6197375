// SPDX-License-Identifier: MIT

import ShownText

/// Files and directories that the app's user may not use.
enum PermissionTopic {
    static func find(in evidence: Evidence) -> DiagnosisFinding? {
        let named: [String?] = [
            // Python: PermissionError: [Errno 13] Permission denied: '/etc/shadow'
            evidence.text(after: "Permission denied: '", upTo: "'"),
            // Ruby: Permission denied @ rb_sysopen - /etc/shadow (Errno::EACCES)
            evidence.text(after: "Permission denied @ ", upTo: " (Errno::").flatMap(self.behindHyphen),
            evidence.text(after: "Permission denied - ", upTo: " (Errno::"),
            // Node: EACCES: permission denied, open '/etc/shadow'
            evidence.text(after: "EACCES: permission denied, ").flatMap(self.inQuotes),
            evidence.text(after: "EPERM: operation not permitted, ").flatMap(self.inQuotes),
            evidence.text(after: "Operation not permitted: '", upTo: "'"),
            evidence.text(after: "Operation not permitted @ ", upTo: " (Errno::").flatMap(self.behindHyphen),
        ]
        if let path = named.compactMap({ $0 }).first { return .permission(path: path) }
        // sh: 1: /srv/shop/run: Permission denied
        if let path = evidence.text(before: ": Permission denied", from: ": "), path.utf8.first == UInt8(ascii: "/") {
            return .permission(path: path)
        }
        let phrases: [StaticString] = ["Permission denied", "EACCES", "Errno::EACCES", "PermissionError"]
        return phrases.contains(where: evidence.contains) ? .permission(path: nil) : nil
    }

    private static func behindHyphen(_ text: String) -> String? {
        text.ranges(of: " - ").first.map { String(text[$0.upperBound...]) }
    }

    private static func inQuotes(_ text: String) -> String? {
        let parts = text.split(separator: "'", omittingEmptySubsequences: false)
        return parts.count >= 3 ? String(parts[1]) : nil
    }

    /// Directories that apps write to, right in the app root.
    private static let writtenTo: Set<Substring> = ["log", "logs", "tmp", "storage", "cache", "var", "data"]

    static func remedies(_ path: String?, _ scene: DiagnosisScene) -> [Remedy] {
        guard let name = path else {
            return [
                .init(
                    "The output below may name the file or directory that is closed to the user \(scene.userName). Look at it, "
                        + "with its name in place of PATH:",
                    shell: "namei -l PATH"
                )
            ]
        }
        let path = name.utf8.first == UInt8(ascii: "/") ? name : "\(scene.appRoot)/\(name)"
        var remedies = self.remediesForUserFirst(scene)
        if let name = self.directory(of: path, below: scene.appRoot), self.writtenTo.contains(name) {
            // No command for root: the app's user may put a link anywhere on the way, by the time it is typed.
            let what = (name.hasPrefix("log") ? "its log directory, " : "") + SafeText.name("\(scene.appRoot)/\(name)")
            remedies.append(
                Remedy(
                    "\(scene.userName) must be able to write to \(what). Make it as that user, or give it to that user once you "
                        + "have looked at the way to it."
                )
            )
        }
        remedies.append(
            .init(
                "See whose \(SafeText.name(path)) is, and which directory on the way does not let \(scene.userName) pass:",
                shell: "namei -l \(path)"
            )
        )
        return remedies
    }

    /// For nobody the user is the trouble, and no file mode.
    private static func remediesForUserFirst(_ scene: DiagnosisScene) -> [Remedy] {
        scene.isNobody ? scene.remediesForUser(isSuspect: true) : []
    }

    /// The first component below the app root.
    private static func directory(of path: String, below root: String) -> Substring? {
        guard path.utf8.starts(with: "\(root)/".utf8) else { return nil }
        return path.utf8.dropFirst(root.utf8.count + 1).split(separator: UInt8(ascii: "/")).first.map { Substring($0) }
    }
}
