// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Front and daemon of different majors name both versions instead of failing cryptically.
    @Suite(.timeLimit(.minutes(1)))
    struct VersionTests {
        private static let foreign = ProtocolVersion(major: ProtocolVersion.current.major + 1, minor: 7)

        private static func read(_ descriptor: borrowing Descriptor, phase: FramePhase) throws -> DaemonMessage? {
            var decoder = FrameDecoder(phase: phase)
            while true {
                if let message = try DaemonMessage.next(from: &decoder) { return message }
                guard try !Poll.wait(descriptor.rawValue, for: .readable, timeout: .seconds(10)).isEmpty else {
                    return nil
                }
                let bytes = try descriptor.readSome(limit: 4096)
                guard !bytes.isEmpty else { return nil }
                decoder.append(ByteBuffer(bytes: bytes))
            }
        }

        @Test func `a front of another major gets a readable refusal, and the daemon's log has it`() throws {
            let site = try Site(apps: [])
            try site.startDaemon()
            let socket = try UnixSocket.connect(path: site.socket)
            var buffer = ByteBuffer()
            Hello(version: Self.foreign, product: "Future Front 9.9", role: .control, frontName: "future").write(
                into: &buffer
            )
            try socket.writeAll(Array(buffer.readableBytesView))
            guard case .helloReply(let reply)? = try Self.read(socket, phase: .fromDaemon) else {
                Issue.record("no reply")
                return
            }
            let refusal = try #require(reply.refusal)
            #expect(refusal.contains("\(Self.foreign)") && refusal.contains("\(ProtocolVersion.current)"), "\(refusal)")
            for text in ["\(Self.foreign)", "\(ProtocolVersion.current)", "Future Front 9.9"] {
                try eventually("\(text) in the daemon's log", within: .seconds(5)) { site.log().contains(text) }
            }
        }

        /// As if one of them were of an older build of the same major.
        @Test(arguments: [true, false])
        func `front and daemon work together where one of them lacks all that is optional`(_ isFront: Bool) throws {
            let site = try Site(
                apps: ["rack", "wsgi", "node"].map { .init($0, from: $0, owner: Integration.owner(0)) }
            )
            // Of "hello".
            let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
            let missing = WireFeature.names.map(\.key).joined(separator: ",")
            let wrapper = ["env", "\(Floor.environmentVariable)=\(missing)"]
            if isFront { site.frontWrapper = wrapper } else { site.daemonWrapper = wrapper }
            try site.startDaemon()
            try site.startFront()
            for app in ["rack", "wsgi", "node"] {
                let pid = try site.page(app).pid
                let client = try HTTPConnection(port: site.port)
                let head = "POST /echo HTTP/1.1\r\nHost: \(app).localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                try client.send(head + "5\r\nhello\r\n0\r\n\r\n")
                #expect(try client.readResponse().text == "5 \(digest)\n", "\(app)")
                for _ in 0..<5 { #expect(try client.get("/pid", host: "\(app).localhost").pid == pid) }
            }
            #expect(try site.status().groups.allSatisfy { $0.leases?.granted ?? 0 == 0 })
        }

        @Test func `a daemon of another major leads to a 502 page that names both versions`() throws {
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: Integration.owner(0))])
            let listener = try UnixListener.bind(path: site.socket, mode: 0o666)
            let descriptor = SharedDescriptor(listener.takeDescriptor())
            // Answers every connection until the descriptor is shut down with the test.
            _ = try OSThread.start(name: "future-daemon") {
                while let connection = try? UnixListener.accept(on: descriptor.rawValue) {
                    let socket = connection.takeDescriptor()
                    var buffer = ByteBuffer()
                    let text = "Future Daemon 9.9 speaks \(Self.foreign), not \(ProtocolVersion.current)"
                    HelloReply(version: Self.foreign, product: "Future Daemon 9.9", refusal: text).write(into: &buffer)
                    // The front may have gone already.
                    try? socket.writeAll(Array(buffer.readableBytesView))
                }
            }
            defer { try? Transfers.shutdownBoth(descriptor.rawValue) }
            try site.startFront()
            let response = try site.get("wsgi", "/pid")
            #expect(response.status == 502)
            let log = try TestFile.text(site.frontLog)
            for text in [response.text, log] {
                #expect(text.contains("\(Self.foreign)") && text.contains("\(ProtocolVersion.current)"), "\(text)")
            }
        }
    }
}
