// SPDX-License-Identifier: MIT

import AppTransport
import HTTPFraming
import NIOCore
import Testing

struct ClientOriginTests {
    enum Peer: Sendable {
        /// A proxy on this machine, by its account.
        case account
        /// One whose address the configuration names.
        case network
        case unixAccount
        /// Anybody elsewhere, a tenant on loopback, a user on a Unix socket.
        case stranger, tenant, unixUser

        var facts: PeerFacts {
            switch self {
            case .account: PeerFacts(address: "127.0.0.1", port: 5000, isTrustedAccount: true)
            case .network: PeerFacts(address: "10.0.0.1", port: 5000)
            case .unixAccount: PeerFacts(address: "unix:", port: 0, isTrustedAccount: true)
            case .stranger: PeerFacts(address: "203.0.113.9", port: 5000)
            case .tenant: PeerFacts(address: "127.0.0.1", port: 5000)
            case .unixUser: PeerFacts(address: "unix:", port: 0)
            }
        }
    }

    static func origin(_ fields: String, from peer: PeerFacts, _ rules: RealIPRules = RealIPRules()) -> ClientOrigin {
        var head = RequestHead()
        let lines = fields.split(separator: "|").map { "\($0)\r\n" }.joined()
        let bytes = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n")
        #expect(head.advance(over: bytes) == .complete)
        return bytes.withUnsafeReadableBytes { raw in
            ClientOrigin(of: head, raw, from: peer, rules: rules) { $0.hasPrefix("10.") }
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var fields: String
        var field = RealIPRules.Field.usual
        var isRecursive = false
        var address: String
        var port = 0
        var isTLS = false
        var testDescription: String { "\(self.field) \(self.fields)" }
    }

    @Test(arguments: [
        Case(fields: "X-Forwarded-For: 192.0.2.1", address: "192.0.2.1"),
        Case(fields: "X-Forwarded-For: 6.6.6.6, 192.0.2.1", address: "192.0.2.1"),
        Case(fields: "X-Forwarded-For: 6.6.6.6|X-Forwarded-For: 192.0.2.1", address: "192.0.2.1"),
        Case(fields: "X-Forwarded-For: 192.0.2.1:4711", address: "192.0.2.1", port: 4711),
        Case(fields: "X-Forwarded-For: 2001:db8::1", address: "2001:db8::1"),
        Case(fields: "X-Forwarded-For: [2001:db8::1]", address: "2001:db8::1"),
        Case(fields: "X-Forwarded-For: [2001:db8::1]:443", address: "2001:db8::1", port: 443),
        Case(fields: "X-Real-IP: 192.0.2.2", address: "192.0.2.2"),
        Case(fields: "X-Real-IP: 6.6.6.6|X-Forwarded-For: 192.0.2.1", address: "192.0.2.1"),
        Case(fields: "X-Real-IP: 192.0.2.2|X-Forwarded-For: 6.6.6.6", field: .realIP, address: "192.0.2.2"),
        Case(fields: "X-Forwarded-For: 192.0.2.1, 10.0.0.2", address: "10.0.0.2"),
        Case(
            fields: "X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.2, 10.0.0.3",
            isRecursive: true,
            address: "192.0.2.1"
        ),
        Case(fields: "X-Forwarded-For: 10.0.0.4, 10.0.0.3", isRecursive: true, address: "10.0.0.4"),
        Case(fields: "X-Forwarded-For: x, 10.0.0.3", isRecursive: true, address: "10.0.0.3"),
        Case(fields: "CF-Connecting-IP: 192.0.2.3", field: .other("cf-connecting-ip"), address: "192.0.2.3"),
        Case(fields: "Forwarded: for=192.0.2.4", field: .forwarded, address: "192.0.2.4"),
        Case(
            fields: "Forwarded: for=6.6.6.6, For=\"[2001:db8::2]:99\" ; Proto=https",
            field: .forwarded,
            address: "2001:db8::2",
            port: 99,
            isTLS: true
        ),
        Case(fields: "X-Forwarded-For: 192.0.2.1|X-Forwarded-Proto: https", address: "192.0.2.1", isTLS: true),
        Case(fields: "X-Forwarded-For: 192.0.2.1|X-Forwarded-Proto: HTTPS", address: "192.0.2.1", isTLS: true),
        Case(fields: "X-Forwarded-For: 192.0.2.1|X-Forwarded-Proto: wss", address: "192.0.2.1", isTLS: true),
        Case(fields: "X-Forwarded-For: 192.0.2.1|X-Forwarded-Proto: https, http", address: "192.0.2.1"),
        Case(fields: "X-Forwarded-For: 192.0.2.1|X-Forwarded-Proto: gopher", address: "192.0.2.1"),
        Case(fields: "X-Forwarded-For: 192.0.2.1|Forwarded: proto=https", address: "192.0.2.1", isTLS: true),
        Case(fields: "X-Forwarded-For: 192.0.2.1|Forwarded: proto=https|X-Forwarded-Proto: http", address: "192.0.2.1"),
    ])
    func `of a trusted peer the last word counts`(_ example: Case) {
        let rules = RealIPRules(field: example.field, isRecursive: example.isRecursive)
        for peer in [Peer.account, .network, .unixAccount] {
            let origin = Self.origin(example.fields, from: peer.facts, rules)
            #expect(origin.address == example.address && origin.port == example.port && origin.isTLS == example.isTLS)
            #expect(origin.keepsFields && !origin.hasIgnoredFields)
        }
        for peer in [Peer.stranger, .tenant, .unixUser] {
            let origin = Self.origin(example.fields, from: peer.facts, rules)
            #expect(origin == ClientOrigin(of: peer.facts, hasIgnoredFields: true))
        }
    }

    @Test(arguments: [
        "X-Forwarded-For: unknown", "X-Forwarded-For: _hidden", "X-Forwarded-For: 192.0.2.1, evil", "X-Forwarded-For:",
        "X-Forwarded-For: 192.0.2.1:99999", "X-Forwarded-For: 192.0.2.1:", "X-Forwarded-For: [::1",
        "X-Forwarded-For: [::1]x",
        "X-Forwarded-For: 192.0.2.1 192.0.2.2", "X-Forwarded-For: 192.0.2.256", "X-Forwarded-For: a.example:80",
        "X-Forwarded-Host: b.example", "Forwarded: for=192.0.2.1", "X-Forwarded-Proto: http",
    ])
    func `what cannot be read leaves the address of the connection`(_ field: String) {
        let origin = Self.origin(field, from: Peer.account.facts)
        #expect(origin.address == "127.0.0.1" && origin.port == 5000 && !origin.isTLS && origin.keepsFields)
    }

    @Test(arguments: [
        "", "for", "for=", "by=192.0.2.1", "for=\"", "for=\"192.0.2.1", "for=unknown", "proto=https", ";;for",
        "for=\"\"",
    ])
    func `elements of Forwarded that name no address leave that of the connection`(_ value: String) {
        let origin = Self.origin("Forwarded: \(value)", from: Peer.account.facts, RealIPRules(field: .forwarded))
        #expect(origin.address == "127.0.0.1")
    }

    @Test func `of very many parameters the last are not read`() {
        let rules = RealIPRules(field: .forwarded)
        func address(behind count: Int) -> String {
            let value = String(repeating: ";", count: count) + "for=192.0.2.1"
            return Self.origin("Forwarded: \(value)", from: Peer.account.facts, rules).address
        }
        #expect(address(behind: 31) == "192.0.2.1" && address(behind: 32) == "127.0.0.1")
        #expect(address(behind: 120_000) == "127.0.0.1")
    }

    @Test(arguments: [RealIPRules.Field.forwardedFor, .forwarded])
    func `only so many proxies are passed over`(_ field: RealIPRules.Field) {
        let element = field == .forwarded ? "for=10.0.0.2" : "10.0.0.2"
        let name = field == .forwarded ? "Forwarded" : "X-Forwarded-For"
        let list = [String](repeating: element, count: 5_000).joined(separator: ",")
        var head = RequestHead()
        let bytes = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\(name): \(list)\r\n\r\n")
        #expect(head.advance(over: bytes) == .complete)
        var asked = 0
        let rules = RealIPRules(field: field, isRecursive: true)
        let origin = bytes.withUnsafeReadableBytes { raw in
            ClientOrigin(of: head, raw, from: Peer.account.facts, rules: rules) { _ in
                asked += 1
                return true
            }
        }
        #expect(origin.address == "10.0.0.2" && asked == 64)
    }

    @Test func `nothing is said, nothing is ignored`() {
        for peer in [Peer.account, .stranger, .unixUser] {
            #expect(Self.origin("Accept: b", from: peer.facts) == ClientOrigin(of: peer.facts))
        }
        #expect(!Self.origin("Via: 1.1 a", from: Peer.stranger.facts).hasIgnoredFields)
    }

    // MARK: What apps get

    static func facts(_ fields: String, _ peer: Peer) -> RequestFacts {
        RequestFacts(
            origin: Self.origin(fields, from: peer.facts),
            peerAddress: peer.facts.address,
            untrustedField: "client-ip",
            localAddress: "l",
            localPort: 80
        )
    }

    @Test(arguments: [
        (Peer.account, "X-Forwarded-For: 192.0.2.1, 127.0.0.1"), (.network, "X-Forwarded-For: 192.0.2.1, 10.0.0.1"),
        (.unixAccount, "X-Forwarded-For: 192.0.2.1"), (.stranger, "X-Forwarded-For: 203.0.113.9"),
        (.tenant, "X-Forwarded-For: 127.0.0.1"), (.unixUser, ""),
    ])
    func `apps of all types get the same fields`(_ peer: Peer, _ forwardedFor: String) throws {
        let fields =
            "X-Forwarded-For: 192.0.2.1|X-Forwarded-Proto: https|X-Forwarded-Host: b.example|X-Forwarded-Port: 443"
            + "|X-Forwarded-Ssl: on|X-Real-IP: 192.0.2.1|Forwarded: for=192.0.2.1;proto=https|Client-IP: 192.0.2.1"
        let isTrusted = Self.facts(fields, peer).origin.keepsFields
        var expected = ["X-Forwarded-Proto: \(isTrusted ? "https" : "http")"]
        if !forwardedFor.isEmpty { expected.append(forwardedFor) }
        if isTrusted {
            let node = peer.facts.isUnix ? "unknown" : peer.facts.address
            expected += [
                "X-Forwarded-Host: b.example", "X-Forwarded-Port: 443", "X-Forwarded-Ssl: on", "X-Real-IP: 192.0.2.1",
                "Client-IP: 192.0.2.1", "Forwarded: for=192.0.2.1;proto=https, for=\(node)",
            ]
        }
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\(fields.split(separator: "|").joined(separator: "\r\n"))\r\n\r\n"
        let text = try RequestEncoderTests.http(request, .keepAlive, facts: Self.facts(fields, peer))
        let lines = text.split(separator: "\r\n").dropFirst(2).map(String.init)
        #expect(lines.sorted() == expected.sorted())
        let variables = try RequestEncoderTests.variables(request, facts: Self.facts(fields, peer))
        for line in expected {
            let parts = line.split(separator: ": ", maxSplits: 1).map(String.init)
            let name = "HTTP_" + parts[0].uppercased().split(separator: "-").joined(separator: "_")
            #expect(variables[name] == parts[1], "\(name)")
        }
        #expect(variables.keys.filter { $0.hasPrefix("HTTP_") }.count == expected.count + 1)
        #expect(variables["HTTPS"] == (isTrusted ? "on" : nil))
        #expect(variables["REMOTE_ADDR"] == (isTrusted ? "192.0.2.1" : peer.facts.address))
    }

    @Test func `an IPv6 peer is quoted in Forwarded`() throws {
        let peer = PeerFacts(address: "::1", port: 1, isTrustedAccount: true)
        var facts = Self.facts("Forwarded: for=a", .account)
        facts.peerAddress = peer.address
        let text = try RequestEncoderTests.http(
            "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=a\r\nForwarded: for=b\r\n\r\n",
            .keepAlive,
            facts: facts
        )
        #expect(text.contains("Forwarded: for=a, for=b, for=\"[::1]\"\r\n"))
    }

    @Test func `fields that the configuration sets replace all others of their names`() throws {
        var facts = Self.facts("Accept: b", .stranger)
        facts.setFields = [
            SetField(name: "X-Own", value: "set"), SetField(name: "X-Forwarded-Proto", value: "https"),
            SetField(name: "x-forwarded-for", value: ""), SetField(name: "Content-Type", value: "a/b"),
        ]
        let request =
            "GET / HTTP/1.1\r\nHost: a\r\nx-own: evil\r\nX-Own: evil\r\nContent-Type: evil\r\nX-Other: c\r\n\r\n"
        let text = try RequestEncoderTests.http(request, .keepAlive, facts: facts)
        let expected = "Host: a\r\nX-Other: c\r\nX-Own: set\r\nX-Forwarded-Proto: https\r\nContent-Type: a/b\r\n\r\n"
        #expect(text == "GET / HTTP/1.1\r\n" + expected)
        let variables = try RequestEncoderTests.variables(request, facts: facts)
        #expect(variables["HTTP_X_OWN"] == "set" && variables["HTTP_X_FORWARDED_PROTO"] == "https")
        #expect(variables["CONTENT_TYPE"] == "a/b" && variables["HTTP_X_FORWARDED_FOR"] == nil)
    }

    @Test func `accounts are trusted unless an app runs as them`() {
        let trust = PeerTrust(ownUID: 33, accounts: [33, 101, 102], apps: [102, 0, 1000])
        #expect(trust.trusts(0) && trust.trusts(33) && trust.trusts(101))
        #expect(!trust.trusts(102) && !trust.trusts(1000) && !trust.trusts(nil))
        #expect(!PeerTrust(ownUID: 33, accounts: [], apps: [33]).trusts(33))
    }
}
