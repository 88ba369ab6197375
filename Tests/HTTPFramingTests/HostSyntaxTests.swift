// SPDX-License-Identifier: MIT

import HTTPFraming
import NIOCore
import Testing

struct HostSyntaxTests {
    static func isIPv4(_ text: String) -> Bool {
        ByteBuffer(string: text).withUnsafeReadableBytes { AddressSyntax.isIPv4($0, 0..<$0.count) }
    }

    static func isIPv6(_ text: String) -> Bool {
        ByteBuffer(string: text).withUnsafeReadableBytes { AddressSyntax.isIPv6($0, 0..<$0.count) }
    }

    static func isHost(_ text: String) -> Bool {
        ByteBuffer(string: text).withUnsafeReadableBytes { HostSyntax.isValid($0, 0..<$0.count) }
    }

    @Test(arguments: ["0.0.0.0", "192.0.2.1", "255.255.255.255", "1.10.100.200"])
    func `four numbers are an IPv4 address`(_ text: String) {
        #expect(Self.isIPv4(text) && !Self.isIPv6(text) && Self.isHost(text))
        #expect(Self.isIPv6("::" + text) && Self.isHost("[::ffff:\(text)]"))
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1..2.3", "1.2.3.", ".1.2.3", "1.2.3.4 ",
        "a.2.3.4", "1.2.3.1000", "-1.2.3.4", "1,2,3,4",
    ])
    func `anything else is none`(_ text: String) {
        #expect(!Self.isIPv4(text) && !Self.isIPv6("::" + text) || text.isEmpty || text == "1")
    }

    @Test(arguments: [
        "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::8", "2001:DB8::ff00:42:8329",
        "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4", "1::1.2.3.4", "fe80::1", "0000:0000:0000:0000:0000:0000:0000:0000",
    ])
    func `groups with at most one gap are an IPv6 address`(_ text: String) {
        #expect(Self.isIPv6(text))
        #expect(Self.isHost("[\(text)]") && Self.isHost("[\(text)]:80") && Self.isHost("[\(text)]:"))
        #expect(
            !Self.isHost(text) && !Self.isHost("[\(text)") && !Self.isHost("\(text)]") && !Self.isHost("[\(text)]x")
        )
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3",
        "12345::",
        "g::", "1:", ":1", "1::2:", "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "::1.2.3", "::%eth0", "[::]", " ::1",
        "::1/64",
    ])
    func `anything else is no IPv6 address`(_ text: String) {
        #expect(!Self.isIPv6(text) && !Self.isHost("[\(text)]"))
    }

    @Test(arguments: [
        ("a:0", true), ("a:65535", true), ("a:65536", false), ("a:99999999999999999999", false),
        ("a:00000000000080", true),
        ("a: 80", false), ("a:+80", false), ("a:80a", false), ("a:", true), (":", false), (":80", false), ("", true),
        ("a,b", false), ("a/b", false), ("a@b", false), ("%41", true), ("%4", false), ("%", false), ("a b", false),
    ])
    func `a name may have a port, and nothing else`(_ text: String, _ isValid: Bool) {
        #expect(Self.isHost(text) == isValid)
    }
}
