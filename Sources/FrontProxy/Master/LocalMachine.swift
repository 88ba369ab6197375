// SPDX-License-Identifier: MIT

import LinuxSystem
import PathSafety
import ProgramLog
import ShownText

/// The machine that this process runs on.
struct LocalMachine: MachineFacts {
    func look(at path: String) -> FileLook {
        do throws(SystemError) {
            let status = try FileStatus(path: path)
            guard status.kind == .directory else { return .file }
            return .directory(owner: status.owner, group: status.group, mode: status.mode)
        } catch {
            return error.isNotFound ? .missing : .hidden
        }
    }

    func canWrite(in directory: String) -> Bool { Files.isWritable(directory) }

    func problem(ofLog path: String) -> String? {
        LogFile.problem(at: path).map { Self.sentence($0.reason, $0.remedies) }
    }

    func problem(ofApp root: String, startupFiles: [String]) -> String? {
        guard isRoot, let walked = try? PathWalk.openDirectory(root), let owner = Self.owner(walked, startupFiles)
        else {
            return nil
        }
        let account = (try? Accounts.user(id: owner)) ?? nil
        let group = account.flatMap { (try? Accounts.group(id: $0.primaryGroup)) ?? nil }
        let policy = PathPolicy(
            owner: owner,
            name: account?.name,
            primaryGroup: group.map { PathPolicy.Group(gid: $0.gid, name: $0.name, members: $0.members) }
        )
        guard let refusal = policy.refusals(of: walked.trail).first else { return nil }
        let names = PathNames.ofThisMachine
        let others = Remedy("Or set passenger_user, or start the daemon with \(refusal.trust(names).text).")
        return Self.sentence(refusal.sentence(names), refusal.remedies(givingTo: owner, names) + [others])
    }

    /// Whoever made a link decides, not whoever has what it leads to.
    private static func owner(_ walked: WalkedDirectory, _ startupFiles: [String]) -> UInt32? {
        guard !startupFiles.isEmpty else { return try? walked.directory.status().owner }
        for file in startupFiles {
            if let status = try? walked.directory.status(of: file) { return status.owner }
        }
        return nil
    }

    func problem(ofDocumentRoot path: String) -> String? {
        guard isRoot, let walked = try? PathWalk.look(at: [], below: Array(path.utf8)) else { return nil }
        let policy = LinkPolicy(rootOwner: walked.status.owner, appUser: nil)
        guard let place = policy.refusal(of: walked.trail), case .link(let fact, _, let leadsTo) = place.step else {
            return nil
        }
        let names = PathNames.ofThisMachine
        return
            Self.sentence(
                "\(names.user(fact.owner)), who made the link \(SafeText.name(place.path)), does not own what it leads to "
                    + "(\(names.user(leadsTo)) does)",
                ["Let root make the link."]
            )
    }

    /// What to do has a field of its own, as in the log.
    private static func sentence(_ reason: String, _ remedies: [Remedy]) -> String {
        guard let first = remedies.first else { return reason }
        let others = remedies.dropFirst().map { ". \($0)" }.joined()
        return "\(reason) \(LogLine.remedyKey)=\(LogLine.quotedIfNeeded(first.inLine))\(others)"
    }

    func hasUser(_ name: String) -> Bool? {
        do throws(SystemError) { return try Accounts.user(named: name) != nil } catch { return nil }
    }

    func hasGroup(_ name: String) -> Bool? {
        do throws(SystemError) { return try Accounts.group(named: name) != nil } catch { return nil }
    }

    var isRoot: Bool { CurrentProcess.isRoot }

    var firstFreePort: Int {
        let text = try? Files.read("/proc/sys/net/ipv4/ip_unprivileged_port_start", limit: 64)
        let digits = text.map { String(decoding: $0, as: UTF8.self).prefix { $0.isNumber } }
        return digits.flatMap { Int($0) } ?? 1024
    }

    var maxOpenFiles: Int { Int(clamping: Limits.current(.openFiles).hard) }
}
