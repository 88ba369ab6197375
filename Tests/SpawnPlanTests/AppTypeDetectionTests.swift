// SPDX-License-Identifier: MIT

import AppSettings
import ShownText
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
        (["passenger_asgi.py", "passenger_wsgi.py"], .wsgi, "passenger_wsgi.py"),
        (["app.js", "passenger_asgi.py"], .asgi, "passenger_asgi.py"),
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

    @Test(arguments: [
        ("main:app", ["main.py"], "main.py"), ("shop.asgi:application", ["shop/asgi.py"], "shop/asgi.py"),
        ("shop:web.app", ["shop/__init__.py", "shop.py"], "shop/__init__.py"),
        ("bin/serve.py:app", ["bin/serve.py"], "bin/serve.py"), ("bin/serve:app", ["bin/serve"], "bin/serve"),
        ("/webapps/foo/main.py:app", ["main.py"], "main.py"), ("main.py", ["main.py"], "main.py"),
    ])
    func `an ASGI application is named in a module or file`(_ named: String, files: [String], file: String) throws {
        let settings = try settings([("app_type", "asgi"), ("startup_file", named)])
        let app = try AppTypeDetection.detect(settings, in: InMemoryFiles(files))
        #expect(app.type == .asgi && app.startupFile == file)
    }

    @Test func `a module of an ASGI application that is not below the app root is missed by its file`() throws {
        for (named, problem) in [
            ("shop.asgi:app", AppTypeDetection.Problem.startupFileMissing("shop/asgi.py")),
            (":app", .startupFileOutside(":app")), ("..x:app", .startupFileOutside("..x:app")),
            ("/etc/passwd:app", .startupFileOutside("/etc/passwd:app")),
        ] {
            let settings = try settings([("app_type", "asgi"), ("startup_file", named)])
            #expect(throws: problem) { try AppTypeDetection.detect(settings, in: InMemoryFiles(["config.ru"])) }
        }
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
        #expect(throws: AppTypeDetection.Problem.noStartupFile()) {
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

    @Test(arguments: [
        (["server.js"], "passenger_app_type node; passenger_startup_file server.js;"),
        (["index.js", "package.json"], "passenger_app_type node; passenger_startup_file index.js;"),
        (["app.mjs"], "passenger_app_type node; passenger_startup_file app.mjs;"),
        (["wsgi.py"], "passenger_app_type wsgi; passenger_startup_file wsgi.py;"),
        (["app.py"], "passenger_app_type wsgi; passenger_startup_file app.py;"),
        (["main.py", "Procfile"], "passenger_app_type asgi; passenger_startup_file main:app;"),
        (["asgi.py"], "passenger_app_type asgi; passenger_startup_file asgi.py;"),
        (["manage.py", "app.py"], "from PROJECT.wsgi import application"),
        (["package.json"], "passenger_app_start_command \"npm start\";"),
        (["Procfile", "package.json"], "passenger_app_start_command \"COMMAND\";"),
        (["shop/", "shop/config.ru", "Procfile"], "passenger_app_root /webapps/foo/shop;"),
        (["a/", "b/", "b/passenger_wsgi.py"], "passenger_app_root /webapps/foo/b;"),
    ])
    func `what is there instead of a startup file is told, not started`(files: [String], advice: String) throws {
        var root = InMemoryFiles(files.filter { !$0.hasSuffix("/") })
        for folder in files where folder.hasSuffix("/") {
            let fact = FileFact(kind: .directory, uid: 1000, gid: 100, mode: 0o755)
            root.facts[.below(String(folder.dropLast()))] = fact
        }
        let problem = #expect(throws: AppTypeDetection.Problem.self) {
            try AppTypeDetection.detect(settings(), in: root)
        }
        let cause = problem?.cause(appRoot: "/webapps/foo")
        #expect(cause?.category == .noApplication)
        let remedies = cause?.remedies ?? []
        #expect(remedies.contains { $0.description.contains(advice) }, "\(remedies)")
    }

    @Test(arguments: ["d: chmod 4755 ", "a;b", "a\nb", ".git", "caf\u{E9}"])
    func `a folder whose name could be more than a name is no advice`(_ name: String) throws {
        var files = InMemoryFiles(["\(name)/config.ru"])
        files.facts[.below(name)] = FileFact(kind: .directory, uid: 1000, gid: 100, mode: 0o755)
        #expect(throws: AppTypeDetection.Problem.noStartupFile()) {
            try AppTypeDetection.detect(settings(), in: files)
        }
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
        let empty = AppTypeDetection.Problem.noStartupFile().cause(appRoot: "/x")
        #expect(empty.category == .noApplication && empty.kind == .startupFileMissing && empty.summary.contains("/x"))
        let missing = AppTypeDetection.Problem.noAppRoot.cause(appRoot: "/x")
        #expect(missing.category == .fileSystem && missing.kind == .appRootMissing)
    }
}
