// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// A Flask application with sessions, uploads and files, at the root of a host and below a prefix.
    @Suite(.enabled(if: FrameworkSite.hasPython("flask"), "needs python3-flask"), .timeLimit(.minutes(2)))
    struct FlaskTests {
        private static let contents = TestBytes.patterned(3_000_000)

        private func keepNotes(_ visitor: FrameworkVisitor) throws {
            #expect(try visitor.get("/").text.contains("Visit 1"))
            let empty = try visitor.post("/notes", file: ("note", "", []))
            #expect(empty.status == 302 && empty.header("location") == "\(visitor.prefix)/")
            let told = try visitor.follow(empty)
            #expect(told.text.contains("Choose a file.") && told.text.contains("Visit 2"))
            let style = try #require(told.text(between: "rel=\"stylesheet\" href=\"", and: "\""))
            #expect(style == "\(visitor.prefix)/static/shelf.css")
            #expect(try visitor.request("GET", style).text.contains("darkslategray"))

            let added = try visitor.post("/notes", file: ("note", "../wölfe.bin", Self.contents))
            #expect(added.header("location") == "\(visitor.prefix)/notes/wolfe.bin")
            let whole = try visitor.follow(added)
            #expect(whole.body == Self.contents)
            #expect(whole.header("content-disposition") == "attachment; filename=wolfe.bin")
            let part = try visitor.get("/notes/wolfe.bin", headers: "Range: bytes=2999990-\r\n")
            #expect(part.status == 206 && part.body == Self.contents.suffix(10))
            #expect(part.header("content-range") == "bytes 2999990-2999999/3000000")
            let tag = try #require(whole.header("etag"))
            #expect(try visitor.get("/notes/wolfe.bin", headers: "If-None-Match: \(tag)\r\n").status == 304)
            let head = try visitor.request("HEAD", "\(visitor.prefix)/notes/wolfe.bin")
            #expect(head.status == 200 && head.header("content-length") == "3000000")

            #expect(try visitor.post("/notes/wolfe.bin/delete", []).status == 302)
            #expect(try visitor.get("/notes/wolfe.bin").text == "There is no such note.\n")
            let tooLarge = try visitor.post("/notes", file: ("note", "large", [UInt8](repeating: 1, count: 9_000_000)))
            #expect(tooLarge.status == 413)
        }

        @Test func `sessions, uploads, files and streams work at the root and below a prefix`() throws {
            let flask = try FrameworkSite("flask")
            for visitor in flask.visitors() {
                let pid = try visitor.get("/facts").member("pid")
                try keepNotes(visitor)
                #expect(try flask.streamedParts(for: visitor) == FrameworkSite.streamed)

                let secure = try visitor.get(
                    "/facts",
                    headers: "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n"
                )
                #expect(secure.member("secure") == "true" && secure.member("client") == "192.0.2.1")
                #expect(secure.member("link") == "https://flask.localhost\(visitor.prefix)/")
                #expect(secure.member("prefix") == visitor.prefix && secure.member("path") == "/facts")

                let failed = try visitor.get("/fail")
                #expect(failed.status == 500 && failed.text == "Something broke on the shelf.\n")
                let missing = try visitor.get("/nowhere")
                #expect(missing.status == 404 && missing.text == "There is no such note.\n")
                #expect(try visitor.get("/facts").member("pid") == pid, "the process goes on")
            }
            #expect(flask.site.log().contains("RuntimeError: this page always fails"))
        }
    }
}
