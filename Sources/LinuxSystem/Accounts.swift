// SPDX-License-Identifier: MIT

import Glibc

/// An entry of the user database.
package struct UserAccount: Hashable, Sendable {
    package let name: String
    package let uid: UInt32
    package let primaryGroup: UInt32
    package let home: String
    package let shell: String
}

/// An entry of the group database.
package struct GroupAccount: Hashable, Sendable {
    package let name: String
    package let gid: UInt32
    /// Names of those whose primary group it is not.
    package let members: [String]
}

/// The user and group databases (NSS).
///
/// Lookups may block: not on an event loop.
package enum Accounts {
    /// `nil`: there is no such account.
    ///
    /// An error: the database could not be asked.
    package static func user(named name: String) throws(SystemError) -> UserAccount? {
        try user("getpwnam", name) { entry, buffer, size, found in
            getpwnam_r(name, entry, buffer, size, found)
        }
    }

    package static func user(id: UInt32) throws(SystemError) -> UserAccount? {
        try user("getpwuid", String(id)) { entry, buffer, size, found in
            getpwuid_r(id, entry, buffer, size, found)
        }
    }

    package static func group(named name: String) throws(SystemError) -> GroupAccount? {
        try group("getgrnam", name) { entry, buffer, size, found in
            getgrnam_r(name, entry, buffer, size, found)
        }
    }

    package static func group(id: UInt32) throws(SystemError) -> GroupAccount? {
        try group("getgrgid", String(id)) { entry, buffer, size, found in
            getgrgid_r(id, entry, buffer, size, found)
        }
    }

    /// All groups that a login of the user would have, `primaryGroup` included (getgrouplist(3)).
    package static func groups(of name: String, primaryGroup: UInt32) throws(SystemError) -> [UInt32] {
        var groups = [gid_t](repeating: 0, count: 64)
        while true {
            var count = Int32(groups.count)
            if getgrouplist(name, primaryGroup, &groups, &count) >= 0 { return Array(groups.prefix(Int(count))) }
            // Too small: the call has said how many there are, or there are absurdly many.
            guard groups.count < 65_536 else { throw SystemError(call: "getgrouplist", code: ERANGE, subject: name) }
            groups = [gid_t](repeating: 0, count: max(Int(count), groups.count * 2))
        }
    }

    package static func groups(of user: UserAccount) throws(SystemError) -> [UInt32] {
        try groups(of: user.name, primaryGroup: user.primaryGroup)
    }

    private static func user(
        _ call: String,
        _ subject: String,
        _ body: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) throws(SystemError) -> UserAccount? {
        try lookUp(call, subject, passwd(), body) { entry in
            UserAccount(
                name: text(entry.pw_name),
                uid: entry.pw_uid,
                primaryGroup: entry.pw_gid,
                home: text(entry.pw_dir),
                shell: text(entry.pw_shell)
            )
        }
    }

    private static func group(
        _ call: String,
        _ subject: String,
        _ body: (
            UnsafeMutablePointer<Glibc.group>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<Glibc.group>?>
        ) -> Int32
    ) throws(SystemError) -> GroupAccount? {
        try lookUp(call, subject, Glibc.group(), body) { entry in
            GroupAccount(name: text(entry.gr_name), gid: entry.gr_gid, members: texts(entry.gr_mem))
        }
    }

    /// Repeats a lookup with larger buffers until the entry fits, up to 1 MiB.
    private static func lookUp<Entry, Account>(
        _ call: String,
        _ subject: String,
        _ empty: Entry,
        _ body: (
            UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
        ) -> Int32,
        _ make: (Entry) -> Account
    ) throws(SystemError) -> Account? {
        var size = 1_024
        while true {
            let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
            defer { buffer.deallocate() }
            var entry = empty
            var found: UnsafeMutablePointer<Entry>?
            let code = body(&entry, buffer, size, &found)
            if code == ERANGE && size < 1 << 20 {
                size *= 4
                continue
            }
            if let found { return make(found.pointee) }
            // Several libraries say "not found" by one of these codes instead of an empty answer (getpwnam(3)).
            if [0, ENOENT, ESRCH, EBADF, EPERM].contains(code) { return nil }
            if code != EINTR { throw SystemError(call: call, code: code, subject: subject) }
        }
    }

    /// Of a list that ends with a null pointer.
    private static func texts(_ list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> [String] {
        guard var next = list else { return [] }
        var texts: [String] = []
        while let pointer = next.pointee {
            texts.append(String(cString: pointer))
            next += 1
        }
        return texts
    }

    private static func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
        guard let pointer else { return "" }
        return String(cString: pointer)
    }
}
