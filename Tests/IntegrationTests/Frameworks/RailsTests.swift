// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// A real Rails application does what it does behind its own server.
    @Suite(.enabled(if: Integration.hasRails, "needs ruby-rails, ruby-sqlite3 and puma"), .timeLimit(.minutes(3)))
    struct RailsTests {
        @Test func `a Rails application works at the root of a host and below a prefix`() async throws {
            try await together(RailsSite.Place.allCases) { try RailsTests().visit($0) }
        }

        private func visit(_ place: RailsSite.Place) throws {
            let rails = try RailsSite(place)
            try scaffold(rails)
            try sessions(rails)
            try uploads(rails)
            try downloads(rails)
            try streams(rails)
            try failures(rails)
            try assets(rails)
            if Integration.hasNode { try cable(rails) }
        }

        /// Create, fail a validation, edit, delete.
        private func scaffold(_ rails: RailsSite) throws {
            let visitor = rails.visitor()
            let articles = "\(rails.prefix)/articles"
            try visitor.visit("\(articles)/new")
            #expect(visitor.page.status == 200, "\(rails.log())")
            func token() throws -> String {
                try #require(visitor.text(between: "name=\"csrf-token\" content=\"", and: "\""))
            }

            try visitor.submit(articles, ["authenticity_token": token(), "article[title]": "", "article[body]": "x"])
            #expect(visitor.page.status == 422)
            #expect(visitor.page.text.contains("Title can&#39;t be blank"), "\(visitor.page.text)")

            try visitor.submit(articles, ["authenticity_token": token(), "article[title]": "Grüße & <b>"])
            try visitor.follow()
            #expect(visitor.page.text.contains("Article was successfully created."))
            #expect(visitor.page.text.contains("Grüße &amp; &lt;b&gt;"))
            let article = try #require(visitor.text(between: "<a href=\"\(articles)/", and: "/edit\"")).prefix {
                $0.isNumber
            }

            // The flash was for one page only.
            try visitor.visit("\(articles)/\(article)/edit")
            #expect(!visitor.page.text.contains("successfully"))
            let change: KeyValuePairs = [
                "_method": "patch", "authenticity_token": try token(), "article[title]": "Another title",
            ]
            try visitor.submit("\(articles)/\(article)", change)
            try visitor.follow()
            #expect(visitor.page.text.contains("successfully updated") && visitor.page.text.contains("Another title"))

            try visitor.submit("\(articles)/\(article)", ["_method": "delete"])
            #expect(visitor.page.status == 422, "without a token nothing is deleted")
            try visitor.visit(articles)
            try visitor.submit("\(articles)/\(article)", ["_method": "delete", "authenticity_token": token()])
            try visitor.follow()
            #expect(
                visitor.page.text.contains("successfully destroyed") && !visitor.page.text.contains("Another title")
            )
            #expect(try visitor.visit("\(articles)/\(article)").status == 404)
        }

        private func sessions(_ rails: RailsSite) throws {
            let visitor = rails.visitor()
            for count in 1...3 { #expect(try visitor.visit("\(rails.prefix)/trials/visits").text == "\(count)") }
            try visitor.visit("\(rails.prefix)/trials/elsewhere")
            #expect(visitor.page.status == 302)
            #expect(try visitor.follow().text.contains("You were sent here"))

            #expect(try visitor.visit("\(rails.prefix)/trials/long_cookie").status == 200)
            #expect(try visitor.visit("\(rails.prefix)/trials/long_cookie").text == "3800 y")

            let facts = try visitor.visit("\(rails.prefix)/trials/facts?a=b%20c").text
            for fact in [
                "\"remote_ip\":\"127.0.0.1\"", "\"protocol\":\"http://\"", "\"script\":\"\(rails.prefix)\"",
                "\"fullpath\":\"\(rails.prefix)/trials/facts?a=b%20c\"", "\"env\":\"production\"", "\"a\":\"b c\"",
                "\"root\":\"\(visitor.origin)\(rails.prefix)/\"",
            ] { #expect(facts.contains(fact), "\(facts)") }
            // A proxy on this machine is believed.
            let forwarded = "X-Forwarded-For: 192.0.2.5\r\nX-Forwarded-Proto: https\r\n"
            let proxied = try visitor.visit("\(rails.prefix)/trials/facts", headers: forwarded).text
            #expect(proxied.contains("\"remote_ip\":\"192.0.2.5\"") && proxied.contains("\"protocol\":\"https://\""))
        }

        /// A picture of an article (Active Storage), and a large file whose digest Rails says.
        private func uploads(_ rails: RailsSite) throws {
            let visitor = rails.visitor()
            let articles = "\(rails.prefix)/articles"
            try visitor.visit("\(articles)/new")
            let token = try #require(visitor.text(between: "name=\"csrf-token\" content=\"", and: "\""))
            let picture = TestBytes.patterned(300_000)
            try visitor.upload(
                articles,
                ["authenticity_token": token, "article[title]": "With a picture"],
                file: (field: "article[picture]", name: "picture.bin", type: "application/x-test", bytes: picture)
            )
            try visitor.follow()
            let link = try #require(visitor.text(between: "href=\"\(rails.prefix)/rails/", and: "\""))
            try visitor.visit("\(rails.prefix)/rails/\(link)")
            let stored = try #require(visitor.page.header("location")).dropFirst(visitor.origin.utf8.count)
            #expect(try visitor.follow().body == picture)
            let part = try visitor.visit(String(stored), headers: "Range: bytes=1000-1999\r\n")
            #expect(part.status == 206 && part.body == Array(picture[1000..<2000]), "\(part.status)")
            #expect(part.header("content-range") == "bytes 1000-1999/300000")

            let large = [UInt8](repeating: 0x61, count: 5_000_000)
            try visitor.upload(
                "\(rails.prefix)/trials/upload",
                ["note": "largé"],
                file: (field: "file", name: "large.txt", type: "text/plain", bytes: large)
            )
            #expect(visitor.page.text.contains("\"size\":5000000") && visitor.page.text.contains("largé"))
            // sha256 of five million letters a
            #expect(
                visitor.page.text.contains("7f4a285193573e707fcb6398222c00f044745cd2930e41d28d30da87d6ca183f"),
                "\(visitor.page.text)"
            )
        }

        private func downloads(_ rails: RailsSite) throws {
            let visitor = rails.visitor()
            let report = try visitor.visit("\(rails.prefix)/trials/attachment?name=J%C3%BCrgen")
            #expect(report.status == 200 && report.text == "The numbers of this year are good ones.\n")
            #expect(report.header("content-length") == "40")
            let disposition = try #require(report.header("content-disposition"))
            #expect(disposition.contains("filename*=UTF-8''Bericht%20f%C3%BCr%20J%C3%BCrgen.txt"))
            // send_file of Rails knows no parts, behind its own server neither.
            #expect(
                try visitor.visit("\(rails.prefix)/trials/attachment", headers: "Range: bytes=0-3\r\n").status == 200
            )
            #expect(try visitor.visit("\(rails.prefix)/trials/bytes?count=300000").body.count == 600_000)
            #expect(try visitor.visit("\(rails.prefix)/trials/nothing").status == 204)

            let cached = try visitor.visit("\(rails.prefix)/trials/cached")
            let tag = try #require(cached.header("etag"))
            #expect(cached.status == 200 && cached.text == "fresh")
            let again = try visitor.visit("\(rails.prefix)/trials/cached", headers: "If-None-Match: \(tag)\r\n")
            #expect(again.status == 304 && again.header("etag") == tag && again.body.isEmpty)
            let head = try visitor.open("HEAD", "\(rails.prefix)/trials/cached").readResponse(toHead: true)
            #expect(head.status == 200 && head.header("etag") == tag)
        }

        /// The first part of a stream is here before the last one is written.
        private func streams(_ rails: RailsSite) throws {
            let visitor = rails.visitor()
            let stream = try visitor.open("GET", "\(rails.prefix)/streams/show?until=go")
            #expect(try stream.readResponse(toHead: true).status == 200)
            #expect(try stream.readChunk() == Array("first\n".utf8))
            try Files.write([], to: "\(rails.directory)/tmp/go", mode: 0o644)
            #expect(try stream.readChunk() == Array("last\n".utf8))
            #expect(try stream.readChunk().isEmpty)
            #expect(try visitor.visit("\(rails.prefix)/trials/hijack").text == "taken over\n")
        }

        private func failures(_ rails: RailsSite) throws {
            let visitor = rails.visitor()
            let pid = try visitor.visit("\(rails.prefix)/trials/pid").text
            for path in ["/nonesuch", "/trials/missing", "/articles/12345"] {
                let page = try visitor.visit(rails.prefix + path)
                #expect(page.status == 404 && page.text.contains("The page you were looking for"), "\(path)")
            }
            let failed = try visitor.visit("\(rails.prefix)/trials/fail")
            #expect(failed.status == 500 && failed.text.contains("something went wrong"))
            #expect(try visitor.visit("\(rails.prefix)/streams/broken").status == 200)
            #expect(try visitor.visit("\(rails.prefix)/trials/pid").text == pid, "the process lives")
        }

        private func assets(_ rails: RailsSite) throws {
            let visitor = rails.visitor()
            try visitor.visit("\(rails.prefix)/articles")
            let start = "href=\"\(rails.prefix)/assets/application-"
            let sheet = try #require(visitor.text(between: start, and: "\""))
            try visitor.visit("\(rails.prefix)/assets/application-\(sheet)")
            #expect(visitor.page.status == 200 && visitor.page.header("content-type")?.hasPrefix("text/css") == true)
            // Which shows that the front has sent it.
            #expect(visitor.page.header("x-runtime") == nil)
            let picture = try #require(visitor.text(between: "url(", and: ")"))
            #expect(picture.hasPrefix("\(rails.prefix)/assets/paper-"))
            #expect(try visitor.visit(picture).header("content-type") == "image/svg+xml")
        }

        private func cable(_ rails: RailsSite) throws {
            let visitor = rails.visitor()
            try visitor.visit("\(rails.prefix)/chat")
            let path = try #require(visitor.text(between: "name=\"action-cable-url\" content=\"", and: "\""))
            #expect(path == "\(rails.prefix)/cable")
            func talk(_ origin: String) throws -> Shell.Outcome {
                try Shell.run(
                    [
                        "node", "\(Repository.root)/Tests/IntegrationTests/Scripts/cable-clients.js",
                        "ws://127.0.0.1:\(visitor.port)\(path)", origin, "\(visitor.host):\(visitor.port)",
                    ],
                    environment: ["NODE_PATH": "/usr/share/nodejs"],
                    within: .seconds(60)
                )
            }
            let heard = try talk(visitor.origin)
            #expect(heard.output == "first heard grüße\nsecond heard grüße\n", "\(heard.output)\(rails.log())")
            let foreign = try talk("http://elsewhere.example")
            #expect(foreign.output.contains("unexpected-response 404"), "\(foreign.output)")
        }
    }
}
