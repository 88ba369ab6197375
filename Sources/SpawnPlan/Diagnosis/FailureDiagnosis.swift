// SPDX-License-Identifier: MIT

package import AppSettings
package import ShownText

/// What a failure is, what it means, and what to do about it: made of what the failure says and what the app printed.
///
///     kind said by whoever met it ──────────────────────────────▶ that kind
///     none, "exception", "early-exit", "killed", "crash" ──▶ what summary, else detail, else output give away
///
/// Whatever the app wrote is evidence, never an instruction: commands hold nothing of it that is not a plain name or
/// quoted, and none gives away a file outside of the app root. No sentence decides anything: not its kind, not its commands.
package struct FailureDiagnosis: Hashable, Sendable {
    package let kind: SpawnFailure.Kind
    /// A headline for the kind: "A gem is missing".
    package let title: String
    /// For somebody who meets this kind for the first time.
    package let explanation: String
    /// The most likely one first, no two alike.
    package let remedies: [Remedy]

    package init(_ failure: SpawnFailure, settings: AppSettings) {
        let scene = DiagnosisScene(failure, settings: settings)
        let output = failure.context.output
        // Before its program runs there are no words of the app's, only the daemon's own, with names in them.
        let words = scene.isInApp ? [failure.summary, failure.detail, output] : [output]
        let finding = DiagnosisFinding.first(in: words)
        let kind = Self.kind(of: failure, finding)
        self.kind = kind
        self.title = Self.title(of: kind, scene)
        self.explanation = Self.explanation(of: kind, scene)
        let said = failure.remedies
        let found = finding?.remedies(scene) ?? []
        // About gems the daemon has the whole command.
        var remedies = kind == .missingGem ? found + said : said + found
        remedies += Self.remedies(for: kind, scene)
        // Whoever found a path closed to the user has said how to choose another one.
        let isAdvised = !scene.isNobody && kind == .access && failure.step == .workingDirectory
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
        case .app: .earlyExit
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
