// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Descriptors sent along with bytes over a Unix socket (`SCM_RIGHTS`, unix(7)).
package enum DescriptorPassing {
    package static let maxDescriptors = Int(FP_DESCRIPTORS_PER_MESSAGE)

    /// What one receive has brought.
    package struct Message: ~Copyable {
        /// Empty at the end of the stream.
        package let bytes: [UInt8]
        package var descriptors: DescriptorList
    }

    /// From now on nobody can send descriptors to this Unix socket, nor to what it accepts; they are told so (`EPERM`).
    ///
    /// What comes unasked is closed where the bytes are read that it came with, or where the socket is closed. The last to
    /// close a TCP socket waits for as long as whoever made it likes (`SO_LINGER`), and so would a thread that others need.
    /// False before Linux 6.16.
    @discardableResult
    package static func refuse(on socket: Int32) -> Bool { fp_refuse_descriptors(socket) == 0 }

    /// Sends `bytes` (at least one) with duplicates of `descriptors`; returns how many bytes went, as send(2) does.
    ///
    /// The descriptors travel with the first byte: when fewer bytes went than asked, the rest is sent without them.
    package static func send(
        _ bytes: some Collection<UInt8>,
        descriptors: [Int32],
        over socket: Int32
    ) throws(SystemError) -> Int {
        let content = Array(bytes)
        return try checked("sendmsg") {
            fp_send_descriptors(socket, content, content.count, descriptors, descriptors.count)
        }
    }

    /// Sends everything, waiting for room; for blocking sockets.
    package static func sendAll(
        _ bytes: some Collection<UInt8>,
        descriptors: [Int32],
        over socket: Int32
    ) throws(SystemError) {
        let content = Array(bytes)
        var sent = try send(content, descriptors: descriptors, over: socket)
        while sent < content.count {
            sent += try send(content[sent...], descriptors: [], over: socket)
        }
    }

    /// Receives at most `limit` bytes with the descriptors that travel with them; waits when the socket blocks.
    package static func receive(
        limit: Int,
        from socket: Int32
    ) throws(SystemError) -> Message {
        var numbers = [Int32](repeating: -1, count: maxDescriptors)
        var count = 0
        var outcome: (result: Int, code: Int32) = (0, 0)
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, length in
            repeat {
                let result = fp_receive_descriptors(
                    socket,
                    buffer.baseAddress,
                    buffer.count,
                    &numbers,
                    numbers.count,
                    &count
                )
                outcome = (result, errno)
            } while outcome.result < 0 && outcome.code == EINTR
            length = max(0, outcome.result)
        }
        if outcome.result < 0 { throw SystemError(call: "recvmsg", code: outcome.code) }
        var list = DescriptorList()
        for number in numbers.prefix(count) { list.append(Descriptor(owning: number)) }
        return Message(bytes: bytes, descriptors: list)
    }
}
