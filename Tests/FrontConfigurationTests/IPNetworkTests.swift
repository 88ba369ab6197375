// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import Testing

struct IPNetworkTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false), ("192.0.2.0/23", "192.0.3.255", true), ("192.0.2.0/23", "192.0.4.0", false),
        ("192.0.2.8/29", "192.0.2.15", true), ("192.0.2.8/29", "192.0.2.16", false), ("0.0.0.0/0", "255.1.2.3", true),
        ("0.0.0.0/0", "::1", false), ("::/0", "::1", true), ("::/0", "10.0.0.1", false), ("::1", "::1", true),
        ("::1", "0:0:0:0:0:0:0:1", true), ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::", false),
        ("2001:db8::/33", "2001:db8:8000::", false), ("::ffff:10.0.0.1", "10.0.0.1", true),
        ("10.0.0.1", "::ffff:10.0.0.1", true),
        ("unix:", "unix:", true), ("unix:", "127.0.0.1", false), ("0.0.0.0/0", "unix:", false),
        ("::1", "not an address", false),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", true), ("10.0.0.0/8", "10.0.0", false), ("10.0.0.0/8", "", false),
    ])
    func `an address is in a network or not`(_ network: String, _ address: String, _ isInside: Bool) throws {
        #expect(try IPNetwork(parsing: network).contains(address) == isInside)
    }

    @Test(arguments: [
        "", "localhost", "10.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/", "10.0.0.0/a", "10.0.0.1/8",
        "256.0.0.0",
        "::1/129", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "g::", "unix", "unix:/run/a.sock", "/8", ":", ":::",
        "[::1]",
    ])
    func `anything else is an error`(_ text: String) {
        #expect(throws: ValueError.self) { try IPNetwork(parsing: text) }
    }
}
