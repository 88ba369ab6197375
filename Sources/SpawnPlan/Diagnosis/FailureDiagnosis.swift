// SPDX-License-Identifier: MIT

package import AppSettings

/// What a failure is, what it means, and what to do about it: made of what the failure says and what the app printed.
///
///     kind said by whoever met it ──────────────────────────────▶ that kind
///     none, "exception", "early-exit", "killed", "crash" ──▶ what summary, else detail, else output give away
///
/// Whatever the app wrote is evidence, never an instruction: commands hold nothing of it that is not a plain name or
/// quoted, and none gives away a file outside of the app root.
package struct FailureDiagnosis: Hashable, Sendable {
    package struct Remedy: Hashable, Sendable {
        /// A sentence; it ends with a colon when a command follows.
        package var text: String
        package var command: String?

        package init(_ text: String, command: String? = nil) {
            self.text = text
            self.command = command
        }
    }

    package let kind: SpawnFailure.Kind
    /// A headline for the kind: "A gem is missing".
    package let title: String
    /// For somebody who meets this kind for the first time.
    package let explanation: String
    /// The most likely one first, no two alike.
    package let remedies: [Remedy]

    package init(_ failure: SpawnFailure, settings: AppSettings) {
        let scene = DiagnosisScene(failure, settings: settings)
        let finding = DiagnosisFinding.first(in: [failure.summary, failure.detail, failure.output])
        let kind = Self.kind(of: failure, finding)
        self.kind = kind
        self.title = Self.title(of: kind)
        self.explanation = Self.explanation(of: kind, scene)
        // What comes out of the app's process is text; commands are the daemon's own.
        let said = failure.remedies.map { scene.isInApp ? Remedy(Remedy.capitalised($0)) : Remedy(saying: $0) }
        let found = finding?.remedies(scene) ?? []
        // About gems the daemon has the whole command.
        var remedies = kind == .missingGem ? found + said : said + found
        remedies += Self.remedies(for: kind, scene)
        let isAdvised = !scene.isNobody && said.contains { $0.text.contains("passenger_user") }
        let forUser = scene.remediesForUser(isSuspect: !isAdvised && Self.isAboutUser(kind, finding))
        // A stand-in is the cause itself, whatever else might help.
        self.remedies = Self.withoutRepetitions(scene.isFallbackUser ? forUser + remedies : remedies + forUser)
    }

    /// A failure that said what it is keeps its kind, unless what it said is only that something went wrong.
    private static func kind(of failure: SpawnFailure, _ finding: DiagnosisFinding?) -> SpawnFailure.Kind {
        let said = failure.kind ?? self.kindWithoutEvidence(failure)
        switch said {
        case .exception, .earlyExit, .killed: return finding?.kind ?? said
        default: return said
        }
    }

    private static func kindWithoutEvidence(_ failure: SpawnFailure) -> SpawnFailure.Kind {
        switch failure.category {
        case .noApplication: .startupFileMissing
        case .cancelled: .cancelled
        case .timeout: .timeout
        case .configuration: failure.step == .loader ? .interpreterUnsupported : .configuration
        case .fileSystem: failure.step == .prepare ? .startupFileMissing : .access
        case .operatingSystem:
            switch failure.step {
            case .execute: .interpreterMissing
            case .prepare, .start: .resources
            case .listen: .portTaken
            default: .internalError
            }
        case .internal, .io: .internalError
        case .app where !failure.detail.isEmpty: .exception
        case .app where failure.summary.contains("descriptor 4"): .protocolViolation
        case .app: failure.summary.contains("signal ") ? .killed : .earlyExit
        }
    }

    /// Whether the wrong user may be behind it.
    private static func isAboutUser(_ kind: SpawnFailure.Kind, _ finding: DiagnosisFinding?) -> Bool {
        switch kind {
        case .access, .permissionDenied, .missingGem, .missingModule: return true
        default: break
        }
        switch finding {
        case .permission, .missingHome, .missingFile: return true
        default: return false
        }
    }

    private static func withoutRepetitions(_ remedies: [Remedy]) -> [Remedy] {
        var seen: Set<String> = []
        return remedies.filter { seen.insert($0.command ?? $0.text).inserted }
    }
}

extension FailureDiagnosis.Remedy {
    /// Words that a command begins with when remedies are sentences: "Make it readable, for example: chmod o+r X".
    private static let programs: Set<Substring> = [
        "chmod", "chown", "chgrp", "ls", "stat", "namei", "cat", "apt-get", "ln", "mkdir", "sudo", "su", "mount", "df",
        "usermod", "ulimit", "passenger-status", "systemctl", "setfacl", "getfacl", "file", "findmnt", "timeout", "ps",
        "sysctl", "free", "runuser", "/usr/bin/python3",
    ]

    /// A program with its arguments, or a line for the front's configuration.
    private static func isCommand(_ text: Substring) -> Bool {
        guard let first = text.split(separator: " ").first else { return false }
        return self.programs.contains(first) || first.hasPrefix("passenger_") && text.hasSuffix(";")
    }

    /// A sentence of whoever met the failure, with the command that it ends with set apart.
    init(saying sentence: String) {
        let trimmed = sentence.hasPrefix("or ") ? String(sentence.dropFirst(3)) : sentence
        if Self.isCommand(trimmed[...]) {
            self.init("Type:", command: trimmed)
            return
        }
        for separator in [": ", "type "] {
            // The first that a command follows: chown's own may hold another one.
            guard let range = trimmed.ranges(of: separator).first(where: { Self.isCommand(trimmed[$0.upperBound...]) })
            else { continue }
            let command = trimmed[range.upperBound...]
            let text = trimmed[..<range.lowerBound] + (separator == ": " ? ":" : separator.dropLast() + ":")
            self.init(Self.capitalised(String(text)), command: String(command))
            return
        }
        self.init(Self.capitalised(trimmed))
    }

    static func capitalised(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
