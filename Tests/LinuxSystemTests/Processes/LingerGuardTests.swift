// SPDX-License-Identifier: MIT

import Glibc
import Testing

@testable import LinuxSystem

struct LingerGuardTests {
    @Test(.timeLimit(.minutes(1)))
    func `a thread that closes a socket which lingers does not wait for it`() throws {
        try LingerGuard.start()
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0, backlog: 1)
        let number = try TCPSocket.connect(host: "127.0.0.1", port: listener.port).release()
        // More than both ends hold: it cannot be sent before the other end reads.
        let block = [UInt8](repeating: 0, count: 1 << 20)
        var hasRoom = true
        while hasRoom {
            let sent = try block.withUnsafeBytes { bytes throws(SystemError) in
                try Transfers.send(number, bytes)
            }
            hasRoom = sent != .wouldBlock
        }
        var time = linger(l_onoff: 1, l_linger: 30)
        let outcome = setsockopt(number, SOL_SOCKET, SO_LINGER, &time, socklen_t(MemoryLayout<linger>.size))
        #expect(outcome == 0)
        let start = ContinuousClock.now
        let thread = try OSThread.start(name: "closes") { _ = Glibc.close(number) }
        thread.join()
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(listener.rawValue >= 0, "it has not been closed before")
    }
}
