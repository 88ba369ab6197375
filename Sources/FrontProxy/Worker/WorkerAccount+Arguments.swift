// SPDX-License-Identifier: MIT

import LinuxSystem

/// How a worker is told whom to become: `33:33:4,33`, which is uid, gid and the supplementary groups.
///
/// It stands on the command line because the worker must know it before it reads anything.
extension WorkerAccount {
    /// What follows the worker's flag; nothing if there are no rights to give up.
    var arguments: [String] {
        guard let identity else { return [] }
        return ["\(identity.uid):\(identity.gid):\(identity.groups.map(String.init).joined(separator: ","))"]
    }

    /// Nil if there are no arguments.
    static func identity(inArguments arguments: [String]) throws(WorkerStartError) -> UserIdentity? {
        guard let text = arguments.first else { return nil }
        let fields = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
            Substring($0)
        }
        let groups = fields.last?.utf8.split(separator: UInt8(ascii: ",")).map { UInt32(Substring($0)) } ?? []
        let numbers = groups.compactMap(\.self)
        guard arguments.count == 1, fields.count == 3, let uid = UInt32(fields[0]), let gid = UInt32(fields[1]),
            numbers.count == groups.count
        else {
            throw WorkerStartError(description: "\"\(text)\" does not say whom the worker is to become")
        }
        return UserIdentity(uid: uid, gid: gid, groups: numbers)
    }
}
