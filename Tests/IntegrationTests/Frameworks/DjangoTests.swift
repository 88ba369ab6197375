// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// A Django site with its admin, at the root of a host and below a prefix.
    @Suite(.enabled(if: FrameworkSite.hasPython("django"), "needs python3-django"), .timeLimit(.minutes(2)))
    struct DjangoTests {
        private static let documents = "/admin/documents/document/"
        private static let contents = TestBytes.patterned(300_000)

        private func token(_ response: HTTPResponse) throws -> (String, String) {
            let name = "csrfmiddlewaretoken"
            return (name, try #require(response.text(between: "name=\"\(name)\" value=\"", and: "\"")))
        }

        /// From a page for members over its login form back to it.
        private func logIn(_ visitor: FrameworkVisitor) throws {
            let refused = try visitor.get("/members/")
            let login = "\(visitor.prefix)/admin/login/?next=\(visitor.prefix)/members/"
            #expect(refused.status == 302 && refused.header("location") == login)
            let form = try visitor.follow(refused)
            let style = try #require(form.text(between: "type=\"text/css\" href=\"", and: "\""))
            #expect(style == "\(visitor.prefix)/static/admin/css/base.css")
            #expect(try visitor.request("GET", style).header("content-type")?.hasPrefix("text/css") == true)
            #expect(try visitor.request("GET", style, headers: "Range: bytes=0-9\r\n").body.count == 10)

            let path = "/admin/login/?next=\(visitor.prefix)/members/"
            let wrong = try visitor.post(path, [try token(form), ("username", "admin"), ("password", "swimming")])
            #expect(wrong.status == 200 && wrong.text.contains("Please enter the correct username and password"))
            let right = try visitor.post(path, [try token(wrong), ("username", "admin"), ("password", "flying")])
            #expect(try visitor.follow(right).text == #"{"user": "admin"}"#)
        }

        /// Adds, changes and deletes a document in the admin.
        private func keepDocuments(_ visitor: FrameworkVisitor) throws {
            let form = try visitor.get("\(Self.documents)add/")
            let added = try visitor.post(
                "\(Self.documents)add/",
                [try token(form), ("title", "Birds & \"Bees\""), ("year", "1999")],
                file: ("file", "birds.bin", Self.contents)
            )
            let list = try visitor.follow(added)
            #expect(list.text.contains("was added successfully") && list.text.contains("Birds &amp; &quot;Bees&quot;"))
            let number = try #require(list.text.pieces(between: "/change/")[0].split(separator: "/").last)
            let page = "\(Self.documents)\(number)/change/"
            let change = try visitor.get(page)
            let late = try visitor.post(page, [try token(change), ("title", "Birds"), ("year", "9999")])
            #expect(late.status == 200 && late.text.contains("A document cannot be of the future."))
            let changed = try visitor.post(page, [try token(late), ("title", "Birds"), ("year", "2000")])
            #expect(try visitor.follow(changed).text.contains("was changed successfully"))

            #expect(try visitor.get("/").text.contains(">Birds</a> (2000)"))
            let file = try visitor.get("/documents/\(number)/download")
            #expect(file.body == Self.contents)
            #expect(file.header("content-disposition")?.hasPrefix("attachment; filename=") == true)

            let question = try visitor.get("\(Self.documents)\(number)/delete/")
            let deleted = try visitor.post(
                "\(Self.documents)\(number)/delete/",
                [try token(question), ("post", "yes")]
            )
            #expect(try visitor.follow(deleted).text.contains("was deleted successfully"))
            #expect(try visitor.get("/documents/\(number)/download").status == 404)
        }

        /// The application's own form, without its token too.
        private func fillForm(_ visitor: FrameworkVisitor) throws {
            #expect(try visitor.post("/add/", [("title", "Stolen"), ("year", "1999")]).status == 403)
            let form = try visitor.get("/add/")
            let late = try visitor.post("/add/", [try token(form), ("title", "Late"), ("year", "9999")])
            #expect(late.status == 422 && late.text.contains("of the future"))
            let title = "Form at \(visitor.prefix)/"
            let added = try visitor.post("/add/", [try token(late), ("title", title), ("year", "1999")])
            #expect(added.status == 302 && added.header("location") == "\(visitor.prefix)/")
            let index = try visitor.follow(added)
            #expect(index.text.contains("\(title) was added.") && index.text.contains("Visit 2"))
        }

        @Test func `the admin, forms, files and streams work at the root and below a prefix`() throws {
            let django = try FrameworkSite("django")
            for visitor in django.visitors() {
                let pid = try visitor.get("/facts").member("pid")
                try logIn(visitor)
                try keepDocuments(visitor)
                try fillForm(visitor)
                #expect(try django.streamedParts(for: visitor) == FrameworkSite.streamed)

                let secure = try visitor.get(
                    "/facts",
                    headers: "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n"
                )
                #expect(secure.member("secure") == "true" && secure.member("client") == "192.0.2.1")
                #expect(secure.member("link") == "https://django.localhost\(visitor.prefix)/")
                #expect(secure.member("prefix") == visitor.prefix && secure.member("path") == "/facts")

                let failed = try visitor.get("/fail")
                #expect(failed.status == 500 && failed.text.contains("Server Error (500)"))
                let missing = try visitor.get("/nowhere")
                #expect(missing.status == 404 && missing.text.contains("was not found on this server"))
                #expect(try visitor.get("/facts").member("pid") == pid, "the process goes on")
            }
        }
    }
}
