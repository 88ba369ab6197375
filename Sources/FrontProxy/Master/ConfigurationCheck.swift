// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import PathSafety
import ProgramLog
import ShownText

/// What a check of the configuration asks the machine.
protocol MachineFacts {
    func look(at path: String) -> FileLook
    /// Whether this process may make files in a directory.
    func canWrite(in directory: String) -> Bool
    /// Why root must not write to this log; nil: it may.
    func problem(ofLog path: String) -> String?
    /// Who else has a say about what runs as the owner of an app; nil: nobody.
    func problem(ofApp root: String, startupFiles: [String]) -> String?
    /// A link on the way to a document root that will not be followed; nil: none.
    func problem(ofDocumentRoot path: String) -> String?
    /// nil: the account database does not say.
    func hasUser(_ name: String) -> Bool?
    func hasGroup(_ name: String) -> Bool?
    var isRoot: Bool { get }
    /// The first port that everybody may listen on.
    var firstFreePort: Int { get }
    /// How far this process may raise its limit on open files without being root.
    var maxOpenFiles: Int { get }
}

/// What there is at a path.
enum FileLook: Equatable {
    case directory(owner: UInt32, group: UInt32, mode: UInt32)
    case file
    case missing
    /// This process may not see it.
    case hidden
}

/// Compares what a configuration names with the machine, and says what will not work with file, line and remedy.
///
/// An error is what keeps the front or an app from starting for sure; a warning may be as it is on purpose, or be mended
/// before the start.
struct ConfigurationCheck {
    /// Whom the worker runs as.
    struct Account {
        let name: String
        let uid: UInt32
        let groups: Set<UInt32>
    }

    struct Report {
        var findings: [Diagnostic] = []
        /// `FrontApp.id` of those that the machine lacks something for.
        var appsThatWillNotStart: Set<Int> = []
    }

    let account: Account
    let machine: any MachineFacts

    func report(_ subjects: [MachineSubject]) -> Report {
        var report = Report()
        for subject in subjects {
            guard let finding = finding(subject) else { continue }
            report.findings.append(finding)
            report.appsThatWillNotStart.formUnion(subject.apps)
        }
        return report
    }

    private func finding(_ subject: MachineSubject) -> Diagnostic? {
        let place = subject.place
        switch subject.kind {
        case .listen(let address): return listenFinding(address, place)
        case .log(let path): return logFinding(path, place)
        case .openFiles(let count):
            guard !machine.isRoot, count > machine.maxOpenFiles else { return nil }
            return place.error("only root may raise the limit on open files above \(machine.maxOpenFiles)")
        case .documentRoot(let path): return documentRootFinding(path, place)
        case .appRoot(let root, let startupFiles): return appFinding(root, startupFiles, place)
        case .environmentFile(let path): return environmentFileFinding(path, place)
        case .interpreter(let interpreter): return interpreterFinding(interpreter, place)
        case .instances(let count):
            guard count > DaemonDefaults.maxPoolSize else { return nil }
            return place.warning(
                "\(count) processes need a daemon with --max-pool-size=\(count) or more; without it a pool has "
                    + "\(DaemonDefaults.maxPoolSize)"
            )
        case .owner(let root, let startupFiles):
            guard let problem = machine.problem(ofApp: root, startupFiles: startupFiles) else { return nil }
            return place.warning("a daemon of root's will not start the application in \(root): \(problem)")
        case .user(let name):
            guard machine.hasUser(name) == false else { return nil }
            return place.error(
                "there is no user \"\(name)\": the application cannot be started; create it or name another"
            )
        case .group(let name):
            guard machine.hasGroup(name) == false else { return nil }
            return place.error(
                "there is no group \"\(name)\": the application cannot be started; create it or name another"
            )
        }
    }

    private func listenFinding(_ address: ListenAddress, _ place: SourceLocation) -> Diagnostic? {
        switch address {
        case .tcp(_, let port):
            guard !machine.isRoot, Int(port) < machine.firstFreePort else { return nil }
            let text =
                "only root may listen on port \(port); start as root, let systemd pass the socket on, or take a port"
            return place.warning("\(text) from \(machine.firstFreePort) on")
        case .unix(let path):
            guard machine.look(at: Self.parent(of: path)) == .missing else { return nil }
            return place.error("the directory \(Self.parent(of: path)) of this socket does not exist; create it")
        }
    }

    private func logFinding(_ path: String, _ place: SourceLocation) -> Diagnostic? {
        let directory = Self.parent(of: path)
        switch machine.look(at: directory) {
        case .missing: return place.error("the directory \(directory) of this log does not exist; create it")
        case .file: return place.error("\(directory), in which this log should be, is no directory")
        case .hidden: return place.warning("the directory \(directory) of this log cannot be looked at")
        case .directory:
            guard machine.canWrite(in: directory) else {
                return place.error("this log cannot be written: \(directory) does not take files of this user")
            }
            guard let problem = machine.problem(ofLog: path) else { return nil }
            return place.error("this log will not be opened: \(problem)")
        }
    }

    private func documentRootFinding(_ path: String, _ place: SourceLocation) -> Diagnostic? {
        switch machine.look(at: path) {
        case .missing: return place.warning("the document root \(path) does not exist, so no file in it is served")
        case .file: return place.warning("the document root \(path) is no directory, so no file in it is served")
        case .hidden, .directory: break
        }
        guard let closed = firstClosedDirectory(of: path) else {
            guard let problem = machine.problem(ofDocumentRoot: path) else { return nil }
            return place.warning("no file in the document root \(path) will be served: \(problem)")
        }
        return place.warning(
            "\(account.name), the user of the worker, cannot enter \(closed), so no file in the document root \(path) is "
                + "served \(LogLine.remedyKey)=\(LogLine.quotedIfNeeded(Self.opening(closed).inLine))"
        )
    }

    /// What lets the worker's user pass through a directory on the way to a document root.
    static func opening(_ directory: String) -> Remedy {
        if SharedPlace.isSystem(directory) { return SharedPlace.remedy(directory) }
        return Remedy(
            "Give the front's user the right to pass through it, for example:",
            shell: "chmod o+x \(directory)"
        )
    }

    /// The first directory from the root on that the worker's user cannot pass through.
    private func firstClosedDirectory(of path: String) -> String? {
        var current = ""
        for component in [""] + path.pathComponents {
            if !component.isEmpty { current += "/\(component)" }
            let directory = current.isEmpty ? "/" : current
            guard case .directory(let owner, let group, let mode) = machine.look(at: directory) else { return nil }
            let bit: UInt32 = owner == account.uid ? 0o100 : account.groups.contains(group) ? 0o010 : 0o001
            if account.uid != 0, mode & bit == 0 { return directory }
        }
        return nil
    }

    private func appFinding(_ root: String, _ startupFiles: [String], _ place: SourceLocation) -> Diagnostic? {
        switch machine.look(at: root) {
        case .missing: return place.warning("the app root \(root) does not exist")
        case .file: return place.warning("the app root \(root) is no directory")
        case .hidden: return nil
        case .directory: break
        }
        guard !startupFiles.isEmpty else { return nil }
        let looks = startupFiles.map { look(at: $0, below: root) }
        guard looks.allSatisfy({ $0 == .missing }) else { return nil }
        let names = startupFiles.joined(separator: ", ")
        return place.warning(
            "the app root \(root) has no startup file (\(names)); name it by passenger_app_type and "
                + "passenger_startup_file, or a command by passenger_app_start_command"
        )
    }

    private func look(at file: String, below root: String) -> FileLook {
        machine.look(at: file.utf8.first == UInt8(ascii: "/") ? file : "\(root)/\(file)")
    }

    private func environmentFileFinding(_ path: String, _ place: SourceLocation) -> Diagnostic? {
        switch machine.look(at: path) {
        case .missing:
            place.warning("the environment file \(path) does not exist: the application cannot be started")
        case .directory:
            place.warning("the environment file \(path) is a directory: the application cannot be started")
        case .file, .hidden: nil
        }
    }

    private func interpreterFinding(
        _ interpreter: MachineSubject.Interpreter,
        _ place: SourceLocation
    ) -> Diagnostic? {
        let file = interpreter.startupFiles.first { look(at: $0, below: interpreter.appRoot) != .missing }
        guard let file, interpreter.ownStartupFiles.contains(where: file.isExactly) else { return nil }
        let what = "passenger_\(interpreter.setting) \(interpreter.path)"
        let app = "the application in \(interpreter.appRoot) cannot be started"
        switch machine.look(at: interpreter.path) {
        case .missing: return place.warning("\(what) does not exist: \(app)")
        case .directory: return place.warning("\(what) is a directory: \(app)")
        case .file, .hidden: return nil
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return "/" }
        return String(Substring(path.utf8[..<slash]))
    }
}
