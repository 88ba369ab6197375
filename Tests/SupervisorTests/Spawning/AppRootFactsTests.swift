// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan
import TestSupport
import Testing

@testable import Supervisor

@Suite struct AppRootFactsTests {
    @Test func `facts are those of links, and no link leads anywhere`() throws {
        let directory = try TestDirectory()
        try directory.write("", to: "app/config/environment.rb")
        try directory.write("", to: "other/environment.rb")
        try Files.makeLink(at: directory.file("app/config.ru"), to: "/etc/passwd")
        try Files.makeLink(at: directory.file("app/linked"), to: directory.file("other"))
        try Files.makeLink(at: directory.file("current"), to: directory.file("app"))
        let facts = try AppRootFacts(appRoot: directory.file("current"))
        #expect(facts.fact(at: .root)?.kind == .directory)
        #expect(facts.fact(at: .below("config/environment.rb"))?.kind == .file)
        #expect(facts.fact(at: .below("config.ru"))?.kind == .link)
        #expect(facts.fact(at: .below("linked/environment.rb")) == nil)
        #expect(facts.fact(at: .below("app.js")) == nil)
    }

    @Test func `an opened root stays the same when its path is turned elsewhere`() throws {
        let directory = try TestDirectory()
        try directory.write("", to: "one/config.ru")
        try directory.write("", to: "two/app.js")
        try Files.makeLink(at: directory.file("current"), to: "one")
        let facts = try AppRootFacts(appRoot: directory.file("current"))
        try Files.remove(directory.file("current"))
        try Files.makeLink(at: directory.file("current"), to: "two")
        #expect(facts.fact(at: .below("config.ru")) != nil && facts.fact(at: .below("app.js")) == nil)
    }

    @Test func `loaders are readable by everybody and writable by nobody`() throws {
        let directory = try TestDirectory()
        for _ in 0..<2 { try LoaderFiles.install(into: directory.file("loaders")) }
        for source in LoaderSources.all {
            let status = try FileStatus(path: directory.file("loaders/\(source.path)"))
            #expect(status.mode == 0o444)
        }
        for check in [["ruby", "-wc", "rack-loader.rb"], ["node", "--check", "node-loader.js"]]
        where Machine.has(check[0]) {
            let outcome = try Shell.run(check, in: directory.file("loaders"))
            #expect(outcome.status.isSuccess && !outcome.output.contains("warning"))
        }
    }
}
