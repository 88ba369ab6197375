// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import NIOCore
import Testing
import WireProtocol

@testable import FrontProxy

struct WorkerBootstrapTests {
    private func bootstrap(_ source: ConfigurationSource) -> WorkerBootstrap {
        var snapshot = ConfigurationSnapshot()
        snapshot.files = ["/etc/f.conf": Array("server { }".utf8), "/etc/empty": []]
        snapshot.matches = ["/etc/*.x": ["/etc/a.x", "/etc/b.x"], "/none/*": []]
        snapshot.links = ["/web/sub": "../app/public"]
        return WorkerBootstrap(
            source: source,
            snapshot: snapshot,
            flyWith: "/run/fp.sock",
            frontName: "0:/etc/f.conf",
            token: WorkerToken(high: .max, low: 1),
            threads: 4,
            logLevel: 7,
            takesAppSockets: false,
            listens: [.tcp(host: "::1", port: 80), .tcp(host: "0.0.0.0", port: 8080), .unix(path: "/run/w s")]
        )
    }

    @Test(arguments: [
        ConfigurationSource.files(["/etc/f.conf", "/etc/empty"]),
        .commandLine(CommandLineApp(directory: "/", listens: ["80"], appRoot: "a", settings: ["x=y", ""])),
    ])
    func `what the master sends is what the worker gets`(source: ConfigurationSource) {
        let sent = bootstrap(source)
        #expect(WorkerBootstrap(decoding: sent.encoded()) == sent)
    }

    @Test func `cut bytes are no bootstrap`() {
        let bytes = bootstrap(.files(["/etc/f.conf"])).encoded()
        for length in 0..<bytes.readableBytes {
            let cut = bytes.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(WorkerBootstrap(decoding: cut) == nil, "\(length) bytes")
        }
    }

    @Test func `an order to drain names the listeners that close`() {
        let order = DrainOrder(closingListens: [.unix(path: "/run/x"), .tcp(host: "127.0.0.1", port: 0)])
        #expect(DrainOrder(decoding: order.encoded()) == order)
    }
}
