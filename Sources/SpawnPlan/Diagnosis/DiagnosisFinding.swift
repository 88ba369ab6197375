// SPDX-License-Identifier: MIT

import ShownText

/// What an app's own words give away about its failure.
enum DiagnosisFinding: Hashable, Sendable {
    /// Bundler, RubyGems or `require` did not find it.
    case gem(GemTrouble)
    case pythonModule(String)
    /// A package, or a file of the app when the name is a path.
    case nodeModule(String)
    /// An interpreter that the app does not want: what it said.
    case interpreterVersion(String)
    /// File and line as far as they are known.
    case syntax(file: String?, line: Int?)
    /// What may not be touched, if it says so.
    case permission(path: String?)
    /// Below a home directory that does not exist.
    case missingHome(String)
    case missingFile(String)
    case memory
    case portTaken(port: String?)

    /// Of the first text that gives something away; a later one may add the name that it lacks.
    static func first(in texts: [String]) -> DiagnosisFinding? {
        var first: DiagnosisFinding?
        for text in texts where !text.isEmpty {
            guard let finding = self.find(in: Evidence(text)) else { continue }
            guard let earlier = first else {
                guard finding.isVague else { return finding }
                first = finding
                continue
            }
            if finding.kind == earlier.kind, !finding.isVague { return finding }
        }
        return first
    }

    /// It does not say which file, gem or port it is about.
    private var isVague: Bool {
        switch self {
        case .syntax(file: nil, line: _), .permission(path: nil), .gem(.notInstalled(nil)), .portTaken(port: nil): true
        default: false
        }
    }

    /// The more specific ones first: an unreadable gem shows up as missing, a missing home as forbidden.
    private static func find(in evidence: Evidence) -> DiagnosisFinding? {
        InterpreterTopic.find(in: evidence)
            ?? MemoryTopic.find(in: evidence)
            ?? GemTopic.find(in: evidence)
            ?? ModuleTopic.find(in: evidence)
            ?? SyntaxTopic.find(in: evidence)
            ?? PortTopic.find(in: evidence)
            ?? HomeTopic.find(in: evidence)
            ?? PermissionTopic.find(in: evidence)
            ?? MissingFileTopic.find(in: evidence)
    }

    /// nil: it is a hint only, and no kind of failure of its own.
    var kind: SpawnFailure.Kind? {
        switch self {
        case .gem: .missingGem
        case .pythonModule, .nodeModule: .missingModule
        case .interpreterVersion: .interpreterUnsupported
        case .syntax: .syntaxError
        case .permission, .missingHome: .permissionDenied
        case .memory: .outOfMemory
        case .portTaken: .portTaken
        case .missingFile: nil
        }
    }

    func remedies(_ scene: DiagnosisScene) -> [Remedy] {
        switch self {
        case .gem(let trouble): GemTopic.remedies(trouble, scene)
        case .pythonModule(let name): ModuleTopic.pythonRemedies(name, scene)
        case .nodeModule(let name): ModuleTopic.nodeRemedies(name, scene)
        case .interpreterVersion(let text): InterpreterTopic.remedies(text, scene)
        case .syntax(let file, let line): SyntaxTopic.remedies(file, line, scene)
        case .permission(let path): PermissionTopic.remedies(path, scene)
        case .missingHome(let path): HomeTopic.remedies(path, scene)
        case .missingFile(let path): MissingFileTopic.remedies(path, scene)
        case .memory: MemoryTopic.remedies(scene)
        case .portTaken(let port): PortTopic.remedies(port, scene)
        }
    }
}
