// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import Testing

struct ListenAddressTests {
    @Test(arguments: [
        ("80", ListenAddress.tcp(host: "0.0.0.0", port: 80)), (":8080", .tcp(host: "0.0.0.0", port: 8080)),
        ("*:81", .tcp(host: "0.0.0.0", port: 81)), ("127.0.0.1:0", .tcp(host: "127.0.0.1", port: 0)),
        ("127.0.0.1", .tcp(host: "127.0.0.1", port: 80)), ("localhost:82", .tcp(host: "127.0.0.1", port: 82)),
        ("[::]:80", .tcp(host: "::", port: 80)), ("[::1]", .tcp(host: "::1", port: 80)),
        ("unix:/run/web.sock", .unix(path: "/run/web.sock")),
    ])
    func `addresses are read in nginx's forms`(text: String, address: ListenAddress) throws {
        #expect(try ListenAddress(text) == address)
    }

    @Test(arguments: [
        "", "host:80", "1.2.3:80", "1.2.3.4:99999", "::1:80", "[::1", "[::1]80", "[x]:80", "unix:relative", "0",
        "80:80", "unix:/" + String(repeating: "a", count: 107),
    ])
    func `what is no address is refused`(text: String) {
        #expect(throws: ValueError.self) { try ListenAddress(text) }
    }

    @Test func `descriptions can be read again`() throws {
        for text in ["0.0.0.0:80", "[::1]:8080", "unix:/run/x"] {
            #expect(try ListenAddress(text).description == text)
        }
    }

    @Test func `the wildcard covers addresses of its family and port`() throws {
        let any = try ListenAddress("80")
        #expect(any.covers(try ListenAddress("127.0.0.1:80")))
        #expect(!any.covers(any))
        #expect(!any.covers(try ListenAddress("127.0.0.1:81")))
        #expect(!any.covers(try ListenAddress("[::1]:80")))
        #expect(try ListenAddress("[::]:80").covers(ListenAddress("[::1]:80")))
    }
}
