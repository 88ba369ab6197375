// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Applications below a prefix, with the frameworks that people use, by a link and by a location.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"), .timeLimit(.minutes(2)))
    struct SubURITests {
        enum Framework: String, CaseIterable {
            case sinatra, flask, express

            var settings: [String] {
                self == .express ? ["passenger_env_var NODE_PATH /usr/share/nodejs;"] : []
            }
        }

        enum Way: CaseIterable {
            /// `/prefix` of the document root is a link to the application's public directory.
            case link
            /// A location with everything said.
            case location
            /// The document root of the application is said instead of its root.
            case documentRoot
        }

        /// A host with the application below `prefix`, and another one (rack) at its root.
        private func site(_ framework: Framework, _ way: Way, prefix: String = "/blog") throws -> Site {
            let site = try Site(apps: [])
            let app = try site.directory.copy("Tests/IntegrationTests/Apps/\(framework)", to: "apps/below")
            if let owner = Integration.owner(0) { try TestDirectory.give(app, to: owner) }
            let block = ["passenger_base_uri \(prefix);"] + framework.settings
            var settings: [String]
            switch way {
            case .link: settings = block
            case .location:
                settings =
                    ["location \(prefix) {", "alias \(app)/public;", "passenger_app_root \(app);"]
                    + ["passenger_document_root \(app)/public;", "passenger_enabled on;"] + block + ["}"]
            case .documentRoot:
                settings = ["location \(prefix) {", "passenger_document_root \(app)/public;"] + block + ["}"]
            }
            try site.add(.init("main", from: "rack", owner: Integration.owner(1), settings: settings))
            if way == .link {
                let entry = "\(site.root(of: "main"))/public\(prefix)"
                let folders = entry.split(separator: "/").dropLast().map { "/\($0)" }.joined()
                try Files.makeDirectories(folders)
                try Files.makeLink(at: entry, to: "\(app)/public")
            }
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            return site
        }

        @Test(arguments: Framework.allCases, Way.allCases)
        func `an application knows its prefix, and what it links to is there`(framework: Framework, way: Way) throws {
            let site = try site(framework, way)
            let wholePath = framework == .express
            for (path, info) in [
                ("/blog", "/"), ("/blog/", "/"), ("/blog/posts/2030/one?a=b%20c", "/posts/2030/one"),
            ] {
                let page = try site.page("main", path)
                #expect(page.field("script name") == "/blog", "\(path): \(page.text)")
                #expect(page.field("path info") == info, "\(path): \(page.text)")
                #expect(page.field("full path") == path, "\(path): \(page.text)")
                #expect(page.field("variables") == "/blog,/blog,/blog", "\(path): \(page.text)")
                // The same absolute path at every depth, which is what makes it work on deeper pages.
                let asset = try #require(page.field("asset"))
                #expect(asset == "/blog/images/logo.txt")
                #expect(try site.page("main", asset).text == "the logo of \(framework)\n")
                let link = try #require(page.field("page"))
                #expect(try site.page("main", link).text == "arrived\n")
            }
            let hello = try site.page("main", "/blog/hello/J%C3%BCrgen%20%2B")
            #expect(hello.text == "hello: Jürgen +\n")
            let redirect = try site.get("main", "/blog/redirect")
            #expect(redirect.status == 302 || redirect.status == 303)
            let location = try #require(redirect.header("location"))
            #expect(location.hasSuffix("/blog/target"), "\(location)")
            #expect(wholePath || !location.contains("/blog/blog"))

            // Neither above nor beside the prefix.
            for path in ["/blogX", "/blogX/target", "/target", "/images/logo.txt"] {
                let response = try site.get("main", path)
                #expect(response.status == 404 && response.text.contains("no such page"), "\(path): \(response.text)")
            }
            #expect(try site.page("main").field("app") == "rack")
            #expect(try site.page("main").field("script name") == "")
            if let owner = Integration.owner(0) {
                let users = try site.status().groups.filter { !$0.processes.isEmpty }.compactMap(\.user)
                #expect(users.contains(owner.name), "below the prefix it runs as its own owner, not as \(users)")
            }
        }

        @Test func `files of the application come from the front, without asking it`() throws {
            let site = try site(.sinatra, .link)
            #expect(try site.page("main", "/blog/images/logo.txt").text == "the logo of sinatra\n")
            #expect(try site.status().groups.allSatisfy { $0.processes.isEmpty }, "nothing was started for a file")
            #expect(try site.get("main", "/blog/images/..%2f..%2fconfig.ru").status != 200)
        }

        @Test(arguments: [Way.link, .location])
        func `a prefix may have several components`(way: Way) throws {
            let site = try site(.flask, way, prefix: "/teams/blog")
            let page = try site.page("main", "/teams/blog/posts/one")
            #expect(page.field("script name") == "/teams/blog" && page.field("path info") == "/posts/one")
            #expect(page.field("asset") == "/teams/blog/images/logo.txt")
            #expect(try site.page("main", "/teams/blog/images/logo.txt").text == "the logo of flask\n")
            #expect(try site.get("main", "/teams").status == 404)
            #expect(try site.get("main", "/teams/blogs").status == 404)
        }

        @Test func `the same code at the root of a host has no prefix and no variables`() throws {
            let site = try Site.running([.init("main", from: "sinatra", owner: Integration.owner(0))])
            let page = try site.page("main", "/posts/one")
            #expect(page.field("script name") == "" && page.field("path info") == "/posts/one", "\(page.text)")
            #expect(page.field("asset") == "/images/logo.txt" && page.field("variables") == ",,")
        }
    }
}
