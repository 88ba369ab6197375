// SPDX-License-Identifier: MIT

import AppSettings
import SpawnPlan
import TestSupport
import Testing

@Suite struct LoaderProgramTests {
    @Test func `each type has its interpreter, loader and transport`() throws {
        let settings = try settings([("ruby", "/opt/jruby/bin/jruby"), ("app_start_command", "./serve --port $PORT")])
        let rack = LoaderProgram(.rack, settings: settings, loaders: "/l")
        #expect(rack.argumentVector == ["/opt/jruby/bin/jruby", "/l/rack-loader.rb"])
        #expect(rack.transport == .session && rack.readiness == .handshake)
        #expect(rack.title == "Passenger RackApp: /webapps/foo" && rack.interpreterSetting == "passenger_ruby")
        let wsgi = LoaderProgram(.wsgi, settings: settings, loaders: "/l")
        #expect(wsgi.argumentVector == ["python3", "/l/wsgi-loader.py", "Passenger WsgiApp: /webapps/foo"])
        let asgi = LoaderProgram(.asgi, settings: settings, loaders: "/l")
        #expect(asgi.argumentVector == ["python3", "/l/wsgi-loader.py", "Passenger AsgiApp: /webapps/foo"])
        #expect(asgi.transport == .session && asgi.readiness == .handshake && asgi.concurrency == nil)
        let node = LoaderProgram(.node, settings: settings, loaders: "/l")
        #expect(node.argumentVector == ["node", "/l/node-loader.js"] && node.transport == .http)
        let generic = LoaderProgram(.generic, settings: settings, loaders: "/l")
        #expect(generic.argumentVector == ["/bin/sh", "-c", "exec ./serve --port $PORT"])
        #expect(generic.transport == .httpOneShot && generic.readiness == .listening && generic.concurrency == 0)
    }

    @Test(arguments: [
        ("ruby", true), ("/usr/bin/ruby3.1", true), ("jruby", false), ("/opt/jruby/bin/jruby-9.4", false),
        ("/opt/jruby/bin/ruby", true),
        ("/opt/truffleruby", false), ("/", true),
    ])
    func `what runs on a virtual machine is known by its name not to fork`(interpreter: String, mayFork: Bool) throws {
        let settings = try settings([("ruby", interpreter)])
        #expect(LoaderProgram(.rack, settings: settings, loaders: "/l").mayFork == mayFork)
    }

    @Test func `a preloader is the same program, told what it is for and what it is called`() throws {
        let settings = try settings([])
        let wsgi = LoaderProgram(.wsgi, settings: settings, loaders: "/l", role: .preloader)
        #expect(wsgi.arguments == ["/l/wsgi-loader.py", "Passenger AppPreloader: /webapps/foo"])
        #expect(wsgi.title == "Passenger WsgiApp: /webapps/foo" && wsgi.role == .preloader)
        let rack = LoaderProgram(.rack, settings: settings, loaders: "/l", role: .preloader)
        #expect(rack.arguments == LoaderProgram(.rack, settings: settings, loaders: "/l").arguments)
        func lines(_ role: LoaderProgram.Role) -> [String] {
            LoaderBriefing(
                type: .rack,
                startupFile: "config.ru",
                title: "t",
                settings: settings,
                serverSoftware: "s",
                rubyLibrary: "r",
                role: role
            ).lines.map { "\($0.name) \($0.value)" }
        }
        #expect(
            lines(.preloader)
                == lines(.worker) + ["mode preload", "preloader_title Passenger AppPreloader: /webapps/foo"]
        )
    }

    @Test(arguments: [
        ("./serve --port $PORT", ["./serve"]), ("serve", []), ("/opt/ruby x/y.rb", ["/opt/ruby", "x/y.rb"]),
        ("node server.js", ["server.js"]), ("A=/x env B=1 exec ./serve", ["./serve"]), ("/x -c /y", ["/x"]),
        ("cd sub && ./serve >/var/log/x 2>&1", ["sub", "./serve"]), ("'/a b/c' /d", []), ("$HOME/x ~/y", []),
        ("&&;", []), ("/a;/b|/c", ["/a", "/b", "/c"]),
    ])
    func `files that a start command runs are found where no shell is needed for it`(command: String, files: [String])
        throws
    {
        let program = LoaderProgram(.generic, settings: try settings([("app_start_command", command)]), loaders: "/l")
        #expect(program.files == files && program.setting == "passenger_app_start_command")
    }

    @Test func `an interpreter is a file if it is named by a path`() throws {
        for (ruby, files) in [("ruby", []), ("/opt/ruby", ["/opt/ruby"]), ("venv/bin/ruby", ["venv/bin/ruby"])] {
            let program = LoaderProgram(.rack, settings: try settings([("ruby", ruby)]), loaders: "/l")
            #expect(program.files == files && program.setting == "passenger_ruby")
        }
    }

    @Test(arguments: [
        ("./serve --port ${PORT}", "exec ./serve --port ${PORT}"), ("exec ./serve", "exec ./serve"),
        ("cd sub && ./serve", "cd sub && ./serve"), ("A=1 ./serve", "exec env A=1 ./serve"),
        ("./serve >log 2>&1", "exec ./serve >log 2>&1"), ("./serve & wait", "./serve & wait"), ("./a; ./b", "./a; ./b"),
        ("  env A=1 ./serve", "exec   env A=1 ./serve"),
    ])
    func `a simple start command takes the place of its shell`(_ command: String, _ line: String) throws {
        let program = LoaderProgram(.generic, settings: try settings([("app_start_command", command)]), loaders: "/l")
        #expect(program.arguments == ["-c", line])
    }

    @Test func `concurrency can be forced where the program cannot say it`() throws {
        let forced = try settings([
            ("force_max_concurrent_requests_per_process", "4"), ("app_start_command", "x"), ("app_keepalive", "on"),
        ])
        #expect(LoaderProgram(.generic, settings: forced, loaders: "/l").concurrency == 4)
        #expect(LoaderProgram(.generic, settings: forced, loaders: "/l").transport == .http)
        #expect(LoaderProgram(.node, settings: forced, loaders: "/l").concurrency == 4)
        #expect(try LoaderProgram(.node, settings: settings(), loaders: "/l").concurrency == nil)
    }

    @Test func `a briefing is lines that end with start`() throws {
        let briefing = LoaderBriefing(
            type: .rack,
            startupFile: "config.ru",
            title: "Passenger RackApp: /webapps/foo",
            settings: try settings([
                ("app_group_name", "a\\c"), ("concurrency_model", "thread"), ("thread_count", "4"),
            ]),
            serverSoftware: "S",
            rubyLibrary: "/l/ruby"
        )
        let lines = String(decoding: briefing.bytes, as: UTF8.self).split(separator: "\n")
        #expect(lines.contains("startup_file config.ru") && lines.contains("app_group_name a\\\\c"))
        #expect(lines.contains("thread_count 4") && lines.contains("early_hints off"))
        #expect(lines.last == "start")
    }

    @Test(arguments: ["", "plain", "a\nb", "back\\slash", "\\n", "\n\\\n", "é\u{0}"])
    func `escaped text is one line and comes back`(text: String) {
        let escaped = ControlText.escape(text)
        #expect(!escaped.contains("\n"))
        #expect(ControlText.unescape(escaped) == text)
    }

    @Test func `all loaders are part of the program`() {
        let names = LoaderSources.all.map { String($0.path.split(separator: "/").last ?? "") }
        #expect(names.sorted() == TestFile.names(in: "\(Repository.root)/Sources/SpawnPlan/Loaders").sorted())
        for source in LoaderSources.all {
            #expect(String(decoding: source.bytes.prefix(200), as: UTF8.self).contains("SPDX-License-Identifier: MIT"))
        }
    }
}
