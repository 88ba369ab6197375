// SPDX-License-Identifier: MIT

import LinuxSystem

/// A directory for one test that every user may enter, removed with its last reference.
final class Scratch {
    let path: String

    init() throws {
        path = try Files.makeTemporaryDirectory(in: "/tmp", prefix: "linux-system-tests.")
        try Files.setMode(path, 0o755)
    }

    deinit {
        // A leftover in /tmp is no reason to fail.
        try? Files.removeTree(path)
    }

    func file(_ name: String) -> String { path + "/" + name }

    @discardableResult
    func write(_ text: String, to name: String, mode: UInt32 = 0o644, owner: UInt32? = nil) throws -> String {
        try Files.write(Array(text.utf8), to: file(name), mode: mode)
        if let owner { try Files.setOwner(file(name), owner: owner, group: nil) }
        return file(name)
    }
}

struct NothingThere: Error {}

/// `#require` for values that cannot be copied.
func owned(_ descriptor: consuming Descriptor?) throws -> Descriptor {
    switch consume descriptor {
    case .some(let descriptor): return descriptor
    case nil: throw NothingThere()
    }
}

func close(_ descriptor: consuming Descriptor?) throws { _ = try owned(descriptor) }

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}

/// The only user that tests switch to; exists on every Debian, and owns no files that matter.
enum Games {
    static let account = try? Accounts.user(named: "games")
    static var isUsable: Bool { CurrentProcess.isRoot && account != nil }
}
