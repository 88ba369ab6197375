// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// What a read or write that does not block has come to.
package enum Transfer: Equatable, Sendable {
    case bytes(Int)
    /// Reading only: the other side has closed its end.
    case endOfStream
    case wouldBlock
}

/// Reads and writes on descriptors that somebody keeps alive; the owners' methods below call these.
package enum Transfers {
    package static func read(
        _ descriptor: Int32,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Transfer {
        try repeating("read", atZero: .endOfStream) { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// Like `read` on a socket that may have been set to block by somebody who has it, too: it does not.
    package static func readWithoutWaiting(
        _ socket: Int32,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Transfer {
        try repeating("recv", atZero: .endOfStream) {
            Glibc.recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        }
    }

    package static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
        try repeating("write", atZero: .bytes(0)) { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
    }

    /// Reads from a place in a file, and leaves its position alone.
    package static func read(
        _ file: Int32,
        at offset: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Transfer {
        try repeating("pread", atZero: .endOfStream) {
            Glibc.pread(file, buffer.baseAddress, buffer.count, off_t(offset))
        }
    }

    /// Lets the kernel send a part of a file (sendfile(2)) to a socket that does not block; `endOfStream`: the file ends before it.
    ///
    /// Whoever calls it has SIGPIPE ignored, for a client that has left.
    package static func sendFile(
        _ file: Int32,
        from offset: Int,
        count: Int,
        to socket: Int32
    ) throws(SystemError) -> Transfer {
        try repeating("sendfile", atZero: .endOfStream) {
            var next = off_t(offset)
            return fp_send_file(socket, file, &next, count)
        }
    }

    /// Like `write` on a socket, but a closed peer is an `EPIPE` whatever the disposition of SIGPIPE.
    package static func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
        try repeating("send", atZero: .bytes(0)) {
            Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// The same on a socket that may be set to block: it does not.
    package static func sendWithoutWaiting(
        _ socket: Int32,
        _ bytes: UnsafeRawBufferPointer
    ) throws(SystemError) -> Transfer {
        try repeating("send", atZero: .bytes(0)) {
            Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
    }

    /// Sends two pieces, of which neither may be empty, with one call that does not wait; the count is of both together.
    package static func sendWithoutWaiting(
        _ socket: Int32,
        _ first: UnsafeRawBufferPointer,
        _ second: UnsafeRawBufferPointer
    ) throws(SystemError) -> Transfer {
        // The kernel only reads what the pieces point to, although their type says otherwise.
        var pieces = (
            iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count),
            iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
        )
        var message = msghdr()
        message.msg_iovlen = 2
        return try withUnsafeMutablePointer(to: &pieces) { pointer throws(SystemError) in
            try pointer.withMemoryRebound(to: iovec.self, capacity: 2) { pieces throws(SystemError) in
                message.msg_iov = pieces
                return try repeating("sendmsg", atZero: .bytes(0)) {
                    Glibc.sendmsg(socket, &message, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                }
            }
        }
    }

    package static func shutdownWrite(_ socket: Int32) throws(SystemError) {
        _ = try checked("shutdown") { Glibc.shutdown(socket, Int32(SHUT_WR)) }
    }

    package static func shutdownBoth(_ socket: Int32) throws(SystemError) {
        _ = try checked("shutdown") { Glibc.shutdown(socket, Int32(SHUT_RDWR)) }
    }

    /// Whether nothing can be written to a stream socket any more: somebody has shut that half, through whatever descriptor,
    /// or the peer takes nothing.
    package static func isShutForWriting(_ socket: Int32) -> Bool {
        Glibc.send(socket, nil, 0, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) < 0 && errno == EPIPE
    }

    /// Makes sure that closing a socket waits for nobody, whatever somebody who had it, too, has asked for (`SO_LINGER`).
    package static func forbidLinger(_ socket: Int32) {
        var off = linger(l_onoff: 0, l_linger: 0)
        // Cannot fail on a socket.
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &off, socklen_t(MemoryLayout<linger>.size))
    }

    /// Closes a number whose owner has released it.
    package static func close(_ descriptor: Int32) {
        Glibc.close(descriptor)
    }

    @inline(__always)
    private static func repeating(_ call: String, atZero: Transfer, _ body: () -> Int) throws(SystemError) -> Transfer {
        while true {
            let count = body()
            let code = errno
            if count > 0 { return .bytes(count) }
            if count == 0 { return atZero }
            if code == EAGAIN || code == EWOULDBLOCK { return .wouldBlock }
            if code != EINTR { throw SystemError(call: call, code: code) }
        }
    }
}

extension Descriptor {
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Transfer {
        try Transfers.read(rawValue, into: buffer)
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
        try Transfers.write(rawValue, bytes)
    }

    package func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
        try Transfers.send(rawValue, bytes)
    }

    package func shutdownWrite() throws(SystemError) { try Transfers.shutdownWrite(rawValue) }

    package func shutdownBoth() throws(SystemError) { try Transfers.shutdownBoth(rawValue) }

    /// Reads to the end of the file, at most `limit` bytes; a file that is longer is an `EFBIG`.
    ///
    /// For blocking descriptors.
    package func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: min(limit + 1, 65_536), alignment: 1)
        defer { chunk.deallocate() }
        while case .bytes(let count) = try Transfers.read(rawValue, into: chunk) {
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
            if bytes.count > limit { throw SystemError(call: "read", code: EFBIG) }
        }
        return bytes
    }

    /// Writes all of `bytes`; on a descriptor that does not block it waits until there is room.
    package func writeAll(_ bytes: some Sequence<UInt8>) throws(SystemError) {
        var rest = ContiguousArray(bytes)[...]
        while !rest.isEmpty {
            // `withUnsafeBytes` is not typed-throwing here: carry the outcome out by value.
            let outcome = rest.withUnsafeBytes { buffer in
                Result { () throws(SystemError) -> Transfer in try Transfers.write(rawValue, buffer) }
            }
            switch try outcome.get() {
            case .bytes(let count): rest = rest.dropFirst(count)
            case .wouldBlock, .endOfStream: _ = try Poll.wait(rawValue, for: .writable, timeout: nil)
            }
        }
    }

    package func writeAll(_ text: String) throws(SystemError) { try writeAll(text.utf8) }

    /// Reads once, at most `limit` bytes; empty at the end of the file.
    ///
    /// For blocking descriptors.
    package func readSome(limit: Int) throws(SystemError) -> [UInt8] {
        var result: Result<Transfer, SystemError> = .success(.endOfStream)
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            result = Result { () throws(SystemError) -> Transfer in
                try Transfers.read(rawValue, into: UnsafeMutableRawBufferPointer(buffer))
            }
            if case .success(.bytes(let read)) = result { count = read }
        }
        if case .wouldBlock = try result.get() { throw SystemError(call: "read", code: EAGAIN) }
        return bytes
    }

    /// Number of bytes that can be read at once (FIONREAD).
    package func readableBytes() throws(SystemError) -> Int {
        Int(try checked("ioctl") { fp_readable_bytes(rawValue) })
    }
}
