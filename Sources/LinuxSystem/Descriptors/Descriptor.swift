// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// A file descriptor with exactly one owner, closed when its owner lets go of it.
///
/// Every descriptor of this package is close-on-exec from the moment it exists.
package struct Descriptor: ~Copyable, Sendable {
    /// The number, for use while the owner is alive.
    package let rawValue: Int32

    package init(owning rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Hands the number over to the caller, who closes it from now on.
    package consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    deinit {
        // EINTR included, the number is free after one call on Linux.
        Glibc.close(rawValue)
    }

    /// Another descriptor of the same open file.
    package func duplicated() throws(SystemError) -> Descriptor {
        try Descriptor.duplicating(rawValue)
    }

    /// A close-on-exec duplicate of a descriptor that somebody else owns.
    package static func duplicating(_ rawValue: Int32) throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked("fcntl", "descriptor \(rawValue)") { fp_duplicate(rawValue, 3) })
    }

    package func setNonBlocking(_ on: Bool = true) throws(SystemError) {
        _ = try checked("fcntl") { fp_set_nonblocking(rawValue, on) }
    }

    package func setCloseOnExec(_ on: Bool = true) throws(SystemError) {
        _ = try checked("fcntl") { fp_set_close_on_exec(rawValue, on) }
    }

    /// Gives the open file to a user and a group (fchown(2)).
    package func setOwner(_ user: UInt32, group: UInt32) throws(SystemError) {
        _ = try checked("fchown") { fchown(rawValue, user, group) }
    }

    /// `/dev/null`, for reading and writing.
    package static func null() throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked("open", "/dev/null") { fp_open(AT_FDCWD, "/dev/null", O_RDWR, 0) })
    }

    /// Makes `target` (usually 0, 1 or 2) refer to this open file; it will be inherited by programs executed.
    package func replace(_ target: Int32) throws(SystemError) {
        _ = try checked("dup2", "descriptor \(target)") { dup2(rawValue, target) }
    }
}

/// A descriptor that several parts share; closed with the last reference.
package final class SharedDescriptor: Sendable {
    package let descriptor: Descriptor

    package init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    package var rawValue: Int32 { descriptor.rawValue }
}

/// Several owned descriptors in a row; those not taken out are closed with the list.
package struct DescriptorList: ~Copyable, Sendable {
    private var numbers: [Int32] = []

    package init() {}

    package var count: Int { numbers.count }
    package var isEmpty: Bool { numbers.isEmpty }
    package var rawValues: [Int32] { numbers }

    package mutating func append(_ descriptor: consuming Descriptor) {
        numbers.append(descriptor.release())
    }

    /// Takes the first one out, in the order of arrival.
    package mutating func takeFirst() -> Descriptor? {
        numbers.isEmpty ? nil : Descriptor(owning: numbers.removeFirst())
    }

    deinit {
        for number in numbers { Glibc.close(number) }
    }
}
