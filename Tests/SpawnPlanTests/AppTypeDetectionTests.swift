// SPDX-License-Identifier: MIT

import AppSettings
import SpawnPlan
import Testing

@Suite struct AppTypeDetectionTests {
    @Test(arguments: [
        (["config.ru"], AppType.rack, "config.ru"),
        (["passenger_wsgi.py"], .wsgi, "passenger_wsgi.py"),
        (["config/environment.rb"], .classicRails, "config/environment.rb"),
        (["app.js"], .node, "app.js"),
        (["app.js", "config/environment.rb", "passenger_wsgi.py", "config.ru"], .rack, "config.ru"),
        (["app.js", "passenger_wsgi.py"], .wsgi, "passenger_wsgi.py"),
    ])
    func `the first known file decides`(files: [String], type: AppType, file: String) throws {
        let app = try AppTypeDetection.detect(settings(), in: InMemoryFiles(files))
        #expect(app.type == type && app.startupFile == file)
        #expect(app.referenceName == file)
    }

    @Test func `a start command makes an app generic, whatever files there are`() throws {
        let app = try AppTypeDetection.detect(
            settings([("app_start_command", "./run")]),
            in: InMemoryFiles(["config.ru"])
        )
        #expect(app.type == .generic && app.startupFile == nil)
        #expect(app.referencePath == .root && app.referenceName == "the app root")
    }

    @Test func `type and startup file can be chosen`() throws {
        let chosen = try settings([("app_type", "node"), ("startup_file", "/webapps/foo//bin/./server.js")])
        let app = try AppTypeDetection.detect(chosen, in: InMemoryFiles(["bin/server.js", "config.ru"]))
        #expect(app.type == .node && app.startupFile == "bin/server.js")
        #expect(app.referencePath.directories == [.root, .below("bin")])
        let standard = try AppTypeDetection.detect(
            settings([("app_type", "wsgi")]),
            in: InMemoryFiles(["passenger_wsgi.py"])
        )
        #expect(standard.startupFile == "passenger_wsgi.py")
    }

    @Test(arguments: ["/etc/passwd", "../other/app.js", "a/../../b.js", "/webapps/foobar/app.js"])
    func `a startup file elsewhere is refused`(file: String) throws {
        let settings = try settings([("app_type", "node"), ("startup_file", file)])
        #expect(throws: AppTypeDetection.Problem.startupFileOutside(file)) {
            try AppTypeDetection.detect(settings, in: InMemoryFiles(["app.js"]))
        }
    }

    @Test func `what is missing or no file is said`() throws {
        #expect(throws: AppTypeDetection.Problem.noAppRoot) {
            try AppTypeDetection.detect(settings(), in: InMemoryFiles(root: nil))
        }
        let file = FileFact(kind: .file, uid: 0, gid: 0, mode: 0o644)
        #expect(throws: AppTypeDetection.Problem.appRootIsNoDirectory) {
            try AppTypeDetection.detect(settings(), in: InMemoryFiles(root: file))
        }
        #expect(throws: AppTypeDetection.Problem.noStartupFile) {
            try AppTypeDetection.detect(settings(), in: InMemoryFiles())
        }
        var files = InMemoryFiles()
        files.facts[.below("config.ru")] = FileFact(kind: .other, uid: 1, gid: 1, mode: 0o644)
        #expect(throws: AppTypeDetection.Problem.startupFileIsNoFile("config.ru", .other)) {
            try AppTypeDetection.detect(settings(), in: files)
        }
        #expect(throws: AppTypeDetection.Problem.startupFileMissing("x.js")) {
            try AppTypeDetection.detect(settings([("app_type", "node"), ("startup_file", "x.js")]), in: files)
        }
    }

    @Test(arguments: [("server.js", AppType.node), ("app.mjs", .node), ("wsgi.py", .wsgi)])
    func `a startup file of another name is told, not started`(file: String, type: AppType) throws {
        let problem = AppTypeDetection.Problem.startupFileOfAnotherName(file, type)
        #expect(throws: problem) { try AppTypeDetection.detect(settings(), in: InMemoryFiles([file])) }
        #expect(problem.category == .noApplication)
        let advice = "passenger_app_type \(type.rawValue); passenger_startup_file \(file);"
        #expect(problem.remedies.first?.contains(advice) == true)
    }

    @Test func `a Meteor project is told as such, one that was built is started`() throws {
        var files = InMemoryFiles()
        files.facts[.below(".meteor")] = FileFact(kind: .directory, uid: 1, gid: 1, mode: 0o755)
        #expect(throws: AppTypeDetection.Problem.meteorProject) { try AppTypeDetection.detect(settings(), in: files) }
        files.facts[.below("app.js")] = FileFact(kind: .file, uid: 1, gid: 1, mode: 0o644)
        #expect(try AppTypeDetection.detect(settings(), in: files).type == .node)
    }

    @Test func `a symbolic link is a startup file of its own owner`() throws {
        var files = InMemoryFiles()
        files.facts[.below("app.js")] = FileFact(kind: .link, uid: 1001, gid: 101, mode: 0o777)
        #expect(try AppTypeDetection.detect(settings(), in: files).fact.uid == 1001)
    }

    @Test func `only a root without application is answered as not found`() {
        #expect(AppTypeDetection.Problem.noStartupFile.category == .noApplication)
        #expect(AppTypeDetection.Problem.noAppRoot.category == .fileSystem)
        #expect(AppTypeDetection.Problem.noStartupFile.summary(appRoot: "/x").contains("/x"))
    }
}
