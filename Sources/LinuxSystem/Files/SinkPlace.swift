// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc
package import PathSafety
package import ShownText

/// A file that this program writes to for as long as it runs.
package enum Sink: Hashable, Sendable {
    case log
    /// With the PID of the main process.
    case pidFile

    fileprivate var name: String {
        switch self {
        case .log: "log"
        case .pidFile: "PID file"
        }
    }

    /// Where the system keeps such files.
    fileprivate var directory: String {
        switch self {
        case .log: "/var/log"
        case .pidFile: "/run"
        }
    }
}

/// Why a sink cannot be opened.
package enum SinkProblem: Error, Hashable, Sendable {
    case system(SystemError)
    /// Somebody else than root could lead it elsewhere, and root would write there.
    case unsafe(PathRefusal, of: Sink, sentence: String)
}

extension SinkProblem: CustomStringConvertible {
    /// What completes "cannot open PATH".
    package var reason: String {
        switch self {
        case .system(let error): error.reason
        case .unsafe(_, of: _, let sentence): sentence
        }
    }

    package var description: String {
        switch self {
        case .system(let error): error.description
        case .unsafe(_, of: _, let sentence): sentence
        }
    }

    /// What to do about it; a sink belongs where only root may write.
    package var remedies: [Remedy] {
        guard case .unsafe(let refusal, let sink, _) = self else { return [] }
        let place = "in a directory of root's to which nobody else may write, such as \(sink.directory)"
        // The place is wrong, and not its rights.
        if refusal.isShared { return [Remedy("Keep the \(sink.name) \(place).")] }
        return refusal.remedies(givingTo: 0, .ofThisMachine) + [Remedy("Or keep the \(sink.name) \(place).")]
    }
}

/// Where sinks are opened: for root only where nobody else could put a link, or another directory, in the way.
enum SinkPlace {
    /// Readable for those who look after the machine.
    static let mode: UInt32 = 0o640
    private static let readers = "adm"
    /// The machine's own log daemon, to whom Ubuntu gives `/var/log`; it can forge every log there anyway.
    private static let logDaemon = "syslog"

    /// The descriptor that a name below `/dev` or `/proc` stands for: what it is cannot always be opened by that name.
    static func descriptor(named path: String) -> Int32? {
        switch path {
        case "/dev/stdout": return STDOUT_FILENO
        case "/dev/stderr": return STDERR_FILENO
        default: break
        }
        for prefix in ["/dev/fd/", "/proc/self/fd/"] where path.utf8.starts(with: prefix.utf8) {
            return Int32(String(Substring(path.utf8.dropFirst(prefix.utf8.count)))).flatMap { $0 >= 0 ? $0 : nil }
        }
        return nil
    }

    /// Opens a log for appending, and makes it if it is not there.
    ///
    /// Without waiting: a FIFO without a reader is an `ENXIO`, and one with a slow reader takes no more than it can.
    static func open(_ path: String) throws(SinkProblem) -> Descriptor {
        guard CurrentProcess.isRoot else {
            return try system { () throws(SystemError) in
                try Files.openForAppending(path, mode: mode)
            }
        }
        let place = try safePlace(path, of: .log)
        return try system { () throws(SystemError) in try openOrMake(place) }
    }

    /// What would keep root from a sink there; nil: nothing.
    static func problem(_ path: String, of sink: Sink) -> SinkProblem? {
        guard CurrentProcess.isRoot, sink != .log || descriptor(named: path) == nil else { return nil }
        do throws(SinkProblem) {
            _ = try safePlace(path, of: sink)
            return nil
        } catch {
            return error
        }
    }

    private static let flags = O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK

    /// Where the file is or will be, without links on the way; nobody but root can change that.
    static func safePlace(_ path: String, of sink: Sink) throws(SinkProblem) -> WalkedPlace {
        let place = try system { () throws(SystemError) in try PathWalk.openPlace(path) }
        // Without the group, or when nobody can say, only root decides.
        let group = sink == .log ? (try? Accounts.group(named: logDaemon))?.gid : nil
        let policy = PathPolicy(owners: [], groups: group.map { [$0] } ?? [])
        guard let refusal = policy.refusals(of: place.trail).first else { return place }
        let names = PathNames.ofThisMachine
        let sentence =
            "\(refusal.sentence(names)), so \(refusal.culpritName(names)) could lead this \(sink.name) elsewhere, "
            + "and root would write there"
        throw .unsafe(refusal, of: sink, sentence: sentence)
    }

    private static func openOrMake(_ place: WalkedPlace) throws(SystemError) -> Descriptor {
        while true {
            let flags = flags | O_NOFOLLOW
            let directory = place.directory.rawValue
            do throws(SystemError) {
                return Descriptor(
                    owning: try checked("open", place.path) {
                        place.name.withCString { fp_open(directory, $0, flags, 0) }
                    }
                )
            } catch  where error.isNotFound {
                // Made below.
            }
            do throws(SystemError) {
                let made = Descriptor(
                    owning: try checked("open", place.path) {
                        place.name.withCString { fp_open(directory, $0, flags | O_CREAT | O_EXCL, 0o600) }
                    }
                )
                let group = try Accounts.group(named: readers)?.gid ?? 0
                _ = try checked("fchown", place.path) { fchown(made.rawValue, 0, group) }
                _ = try checked("fchmod", place.path) { fchmod(made.rawValue, mode) }
                return made
            } catch  where error.isAlreadyExists {
                continue
            }
        }
    }

    static func system<Answer: ~Copyable>(
        _ body: () throws(SystemError) -> Answer
    ) throws(SinkProblem) -> Answer {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .system(error)
        }
    }
}

extension PathNames {
    /// Of the account database, which may block.
    package static var ofThisMachine: PathNames {
        PathNames(
            // A sentence is better off with a number than not written.
            user: { uid in ((try? Accounts.user(id: uid)) ?? nil)?.name ?? "uid \(uid)" },
            group: { gid in ((try? Accounts.group(id: gid)) ?? nil)?.name }
        )
    }
}
