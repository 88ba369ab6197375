// SPDX-License-Identifier: MIT

import LinuxSystem

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
