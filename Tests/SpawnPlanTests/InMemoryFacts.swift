// SPDX-License-Identifier: MIT

import AppSettings
import PathSafety
import SpawnPlan

/// Accounts that exist for a test only.
struct InMemoryUsers: UserDatabase {
    var accounts = [
        Account(name: "root", uid: 0, gid: 0, home: "/root", shell: "/bin/bash"),
        Account(name: "joe", uid: 1000, gid: 100, home: "/home/joe", shell: "/bin/bash"),
        Account(name: "mary", uid: 1001, gid: 101, home: "/home/mary", shell: "/bin/zsh"),
        Account(name: "sys", uid: 3, gid: 3, home: "/dev", shell: "/usr/sbin/nologin"),
        Account(name: "rootgroup", uid: 1002, gid: 0, home: "/x", shell: ""),
        Account(name: "nobody", uid: 65534, gid: 65534, home: "/nonexistent", shell: "/usr/sbin/nologin"),
    ]
    var groupNames: [UInt32: String] = [
        0: "root", 3: "sys", 100: "joe", 101: "mary", 200: "staff", 65534: "nogroup",
    ]

    func account(named name: String) -> Account? { accounts.first { $0.name == name } }
    func account(uid: UInt32) -> Account? { accounts.first { $0.uid == uid } }
    func group(named name: String) -> UInt32? { groupNames.first { $0.value == name }?.key }
    /// Names of those whose primary group it is not.
    var members: [UInt32: [String]] = [200: ["joe"]]
    func group(gid: UInt32) -> AccountGroup? {
        groupNames[gid].map { AccountGroup(gid: gid, name: $0, members: members[gid] ?? []) }
    }
    func groups(of account: Account, primary gid: UInt32) -> [UInt32] { account.name == "joe" ? [gid, 200] : [gid] }
}

/// Files that exist for a test only; the root is `.root`.
struct InMemoryFiles: FileFacts {
    var facts: [AppPath: FileFact] = [.root: FileFact(kind: .directory, uid: 1000, gid: 100, mode: 0o755)]

    init(root: FileFact? = FileFact(kind: .directory, uid: 1000, gid: 100, mode: 0o755), _ files: [String] = []) {
        facts[.root] = root
        for file in files { facts[.below(file)] = FileFact(kind: .file, uid: 1000, gid: 100, mode: 0o644) }
    }

    func fact(at path: AppPath) -> FileFact? { facts[path] }

    func folders(limit: Int) -> [String] {
        let names = facts.compactMap { path, fact -> String? in
            guard case .below(let name) = path, fact.kind == .directory, !name.contains("/") else { return nil }
            return name
        }
        return Array(names.sorted().prefix(limit))
    }
}

/// Settings of an app at `/webapps/foo`.
func settings(_ entries: [(String, String)] = []) throws -> AppSettings {
    let all = [("app_root", "/webapps/foo")] + entries
    return try AppSettings(SettingsList(all.map { SettingsList.Entry(name: $0.0, value: $0.1) }))
}
