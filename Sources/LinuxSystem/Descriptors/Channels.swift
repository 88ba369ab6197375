// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Two connected ends, each with its own owner.
package struct Pipe: ~Copyable, Sendable {
    private var ends: (read: Int32, write: Int32)

    /// A pipe; both ends are close-on-exec (pipe2(2)).
    package static func make(nonBlocking: Bool = false) throws(SystemError) -> Pipe {
        var numbers: [Int32] = [-1, -1]
        _ = try checked("pipe2") { fp_pipe(&numbers, nonBlocking) }
        return Pipe(ends: (numbers[0], numbers[1]))
    }

    private init(ends: (read: Int32, write: Int32)) { self.ends = ends }

    package var readEnd: Int32 { ends.read }
    package var writeEnd: Int32 { ends.write }

    /// Takes the reading end out; `nil` the second time.
    package mutating func takeReadEnd() -> Descriptor? { takeEnd(&ends.read) }

    /// Takes the writing end out; `nil` the second time.
    package mutating func takeWriteEnd() -> Descriptor? { takeEnd(&ends.write) }

    deinit { closeEnds(ends.read, ends.write) }
}

/// Two connected stream sockets.
package struct SocketPair: ~Copyable, Sendable {
    private var ends: (first: Int32, second: Int32)

    /// A pair of Unix stream sockets; both are close-on-exec (socketpair(2)).
    package static func make(nonBlocking: Bool = false) throws(SystemError) -> SocketPair {
        var numbers: [Int32] = [-1, -1]
        _ = try checked("socketpair") { fp_socket_pair(&numbers, nonBlocking) }
        return SocketPair(ends: (numbers[0], numbers[1]))
    }

    private init(ends: (first: Int32, second: Int32)) { self.ends = ends }

    package var firstEnd: Int32 { ends.first }
    package var secondEnd: Int32 { ends.second }

    /// Takes the first socket out; `nil` the second time.
    package mutating func takeFirst() -> Descriptor? { takeEnd(&ends.first) }

    /// Takes the second socket out; `nil` the second time.
    package mutating func takeSecond() -> Descriptor? { takeEnd(&ends.second) }

    deinit { closeEnds(ends.first, ends.second) }
}

private func takeEnd(_ number: inout Int32) -> Descriptor? {
    guard number >= 0 else { return nil }
    defer { number = -1 }
    return Descriptor(owning: number)
}

private func closeEnds(_ numbers: Int32...) {
    for number in numbers where number >= 0 { Glibc.close(number) }
}
