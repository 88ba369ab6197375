// SPDX-License-Identifier: MIT

/// The access list of a file (acl(5)), as far as it lets somebody write.
package struct AccessList: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        case owner
        case user(UInt32)
        case owningGroup
        case group(UInt32)
        /// Bounds what all entries but those of the owner and of others give.
        case mask
        case others
    }

    package struct Entry: Hashable, Sendable {
        package let subject: Subject
        package let mayWrite: Bool

        package init(_ subject: Subject, mayWrite: Bool) {
            self.subject = subject
            self.mayWrite = mayWrite
        }
    }

    package let entries: [Entry]

    package init(_ entries: [Entry]) { self.entries = entries }

    /// As the kernel stores it in `system.posix_acl_access`: a version, then tag, permissions and ID of each entry.
    ///
    /// nil for another version, or for bytes that are no such list.
    package init?(bytes: [UInt8]) {
        func number(_ position: Int, _ length: Int) -> UInt32 {
            bytes[position..<position + length].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        let (head, size) = (4, 8)
        guard bytes.count >= head, (bytes.count - head) % size == 0, number(0, head) == 2 else { return nil }
        var entries: [Entry] = []
        for position in stride(from: head, to: bytes.count, by: size) {
            guard let subject = Subject(tag: number(position, 2), id: number(position + 4, 4)) else { return nil }
            entries.append(Entry(subject, mayWrite: number(position + 2, 2) & 2 != 0))
        }
        self.entries = entries
    }

    /// Everybody but the owner who may write, with the mask applied; `group` is the owning one.
    func writers(group: UInt32) -> [PathWriter] {
        let isMasked = entries.contains { $0.subject == .mask && !$0.mayWrite }
        return entries.filter(\.mayWrite).compactMap { entry in
            switch entry.subject {
            case .owner, .mask: nil
            case .others: .everybody
            case .user(let uid): isMasked ? nil : .user(uid)
            case .owningGroup: isMasked ? nil : .group(group)
            case .group(let gid): isMasked ? nil : .group(gid)
            }
        }
    }
}

extension AccessList.Subject {
    /// The numbers of `linux/posix_acl.h`.
    fileprivate init?(tag: UInt32, id: UInt32) {
        switch tag {
        case 0x01: self = .owner
        case 0x02: self = .user(id)
        case 0x04: self = .owningGroup
        case 0x08: self = .group(id)
        case 0x10: self = .mask
        case 0x20: self = .others
        default: return nil
        }
    }
}
