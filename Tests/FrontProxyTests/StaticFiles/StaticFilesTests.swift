// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import FrontProxy

struct StaticFilesTests {
    static func site() throws -> DataPath {
        let path = try DataPath { .ok("app \($0.path)") }
        _ = try path.directory.write("0123456789", to: "ten.txt")
        _ = try path.directory.write("<p>home", to: "index.html")
        _ = try path.directory.write("<p>cached", to: "page.html")
        _ = try path.directory.write("secret", to: ".env")
        _ = try path.directory.write("", to: "empty.css")
        try Files.makeDirectories(path.directory.file("sub/.well-known"))
        try Files.makeDirectories(path.directory.file(".well-known"))
        _ = try path.directory.write("token", to: ".well-known/acme")
        return path
    }

    @Test(arguments: [
        ("/ten.txt", "0123456789", "text/plain"), ("/", "<p>home", "text/html"), ("/page", "<p>cached", "text/html"),
        ("/t%65n.txt", "0123456789", "text/plain"), ("/ten.txt?v=1", "0123456789", "text/plain"),
        ("/.well-known/acme", "token", "application/octet-stream"), ("/empty.css", "", "text/css"),
    ])
    func `a file that exists is sent`(_ target: String, _ body: String, _ type: String) throws {
        let path = try Self.site()
        let client = try path.connect()
        for _ in 0..<2 {
            let response = try client.get(target)
            #expect(response.status == 200 && response.text == body && response.header("content-type") == type)
        }
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 0)
    }

    @Test(arguments: [
        "/none", "/.env", "/%2eenv", "/sub/../ten.txt", "/sub/%2e%2e/ten.txt", "//ten.txt", "/sub/", "/sub",
        "/sub/.well-known/x",
    ])
    func `everything else is the app's`(_ target: String) throws {
        let path = try Self.site()
        let client = try path.connect()
        #expect(try client.get(target).text.hasPrefix("app /"))
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 1)
    }

    @Test func `a prefix that ends within a component leads to no file`() throws {
        let path = try DataPath(change: {
            $0.documentRoot = $0.documentRoot.map { $0 + "/files" }
            $0.stripPrefix = "/static"
        }) { .ok("app \($0.path)") }
        try Files.makeDirectories(path.directory.file("files"))
        _ = try path.directory.write("secret", to: "secret.txt")
        _ = try path.directory.write("public", to: "files/x.txt")
        let client = try path.connect()
        #expect(try client.get("/static/x.txt").text == "public")
        for target in ["/static../secret.txt", "/staticx.txt", "/static../files/x.txt"] {
            #expect(try client.get(target).text == "app \(target)")
        }
    }

    @Test func `a request that is no GET or HEAD goes to the app`() throws {
        let path = try Self.site()
        let client = try path.connect()
        try client.send("DELETE /ten.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try client.readResponse().text == "app /ten.txt")
        try client.send("HEAD /ten.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let head = try client.readResponse(toHead: true)
        #expect(head.header("content-length") == "10" && head.header("accept-ranges") == "bytes")
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 1)
    }

    @Test func `conditions and ranges are honoured`() throws {
        let path = try Self.site()
        let client = try path.connect()
        let whole = try client.get("/ten.txt")
        let tag = try #require(whole.header("etag"))
        let date = try #require(whole.header("last-modified"))
        #expect(try client.get("/ten.txt", headers: "If-None-Match: \"x\", \(tag)\r\n").status == 304)
        #expect(
            try client.get("/ten.txt", headers: "If-None-Match: \"x\"\r\nIf-Modified-Since: \(date)\r\n").status == 200
        )
        #expect(try client.get("/ten.txt", headers: "If-Modified-Since: \(date)\r\n").status == 304)
        #expect(
            try client.get("/ten.txt", headers: "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n").status == 200
        )
        for (range, text, described) in [
            ("2-4", "234", "bytes 2-4/10"), ("7-", "789", "bytes 7-9/10"), ("-2", "89", "bytes 8-9/10"),
            ("5-99", "56789", "bytes 5-9/10"), ("-99", "0123456789", "bytes 0-9/10"),
        ] {
            let part = try client.get("/ten.txt", headers: "Range: bytes=\(range)\r\n")
            #expect(part.status == 206 && part.text == text && part.header("content-range") == described)
        }
        #expect(try client.get("/ten.txt", headers: "Range: bytes=10-\r\n").status == 416)
        for range in ["bytes=5-2", "bytes=1-2,4-5", "items=1-2", "bytes=-", "bytes=x-1"] {
            #expect(try client.get("/ten.txt", headers: "Range: \(range)\r\n").status == 200)
        }
        #expect(try client.get("/ten.txt", headers: "Range: bytes=1-1\r\nIf-Range: \(tag)\r\n").status == 206)
        #expect(try client.get("/ten.txt", headers: "Range: bytes=1-1\r\nIf-Range: \"other\"\r\n").status == 200)
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 0)
    }

    @Test func `a large file comes whole and the connection goes on`() throws {
        let path = try Self.site()
        let bytes = TestBytes.patterned(5_000_000)
        try Files.write(bytes, to: path.directory.file("big.bin"))
        let client = try path.connect()
        #expect(try client.get("/big.bin").body == bytes)
        #expect(try client.get("/ten.txt").text == "0123456789")
    }

    @Test(.enabled(if: CurrentProcess.isRoot, "giving files away needs root"))
    func `a link is followed only to what its owner owns, or if root owns it`() throws {
        let path = try Self.site()
        let outside = try TestDirectory()
        defer { outside.remove() }
        try Files.setMode(outside.path, 0o755)
        for (name, owner) in [("mine.txt", UInt32(1)), ("theirs.txt", 2)] {
            _ = try outside.write(name, to: name)
            try Files.setOwner(outside.file(name), owner: owner, group: nil)
        }
        for (link, target, owner) in [
            ("own.txt", "mine.txt", UInt32(1)), ("stolen.txt", "theirs.txt", 1), ("root.txt", "theirs.txt", 0),
        ] {
            try Files.makeLink(at: path.directory.file(link), to: outside.file(target))
            try Files.setOwner(path.directory.file(link), owner: owner, group: nil)
        }
        try Files.makeLink(at: path.directory.file("relative.txt"), to: "./sub/../ten.txt")
        try Files.makeLink(at: path.directory.file("loop.txt"), to: "loop.txt")
        let client = try path.connect()
        #expect(try client.get("/own.txt").text == "mine.txt")
        #expect(try client.get("/stolen.txt").status == 403)
        #expect(try client.get("/root.txt").text == "theirs.txt")
        #expect(try client.get("/relative.txt").text == "0123456789")
        #expect(try client.get("/loop.txt").text == "app /loop.txt")
    }
}
