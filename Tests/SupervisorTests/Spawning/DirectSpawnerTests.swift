// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import NIOCore
import ShownText
import SpawnPlan
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

@Suite(.enabled(if: Machine.has("ruby") && Machine.has("python3") && Machine.has("node"), "needs Ruby, Python, Node"))
struct DirectSpawnerTests {
    private static let hello = "run lambda { |env| [200, {}, [Process.uid.to_s]] }\n"

    // MARK: Node and generic apps

    @Test(arguments: [
        (
            "app.js", "require('http').createServer((q, s) => s.end('cjs ' + q.socket.remoteAddress)).listen(3000)",
            "cjs 127.0.0.1"
        ),
        (
            "app.js",
            """
            PhusionPassenger.configure({ autoInstall: false });
            require('http').createServer((q, s) => s.end('chosen')).listen('passenger', () => console.log('listening'));
            """, "chosen"
        ),
        (
            "app.mjs",
            "import http from 'http'; await 0; http.createServer((q, s) => s.end('esm')).listen(process.env.PORT || 80)",
            "esm"
        ),
        (
            "app.js",
            """
            const server = require('http').createServer((q, s) => s.end(JSON.stringify(server.address())));
            server.listen(3000, () => console.log(server.address().port));
            """, #"{"address":"127.0.0.1","family":"IPv4","port":3000}"#
        ),
        (
            "app.js",
            """
            const http = require('http');
            http.createServer((q, s) => s.end('first')).listen({ port: 3000, host: '127.0.0.1' }, () => {
              const second = http.createServer((q, s) => s.end('second'));
              second.listen({ port: 3000, host: '::1' }, () => console.log('both'));
            });
            """, "first"
        ),
    ])
    func `Node apps serve on the socket that they were given`(file: String, text: String, expected: String) throws {
        let bench = try SpawnBench()
        try bench.write(text, to: file)
        let process = try bench.start([("app_type", "node"), ("startup_file", file)])
        #expect(process.transport == .http && process.concurrency == 0)
        let client = try AppClient(process.address)
        for _ in 0..<2 {
            try client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try client.answer().body == expected)
        }
        #expect(ProcInfo.arguments(of: process.pid).first?.hasPrefix("Passenger NodeApp: /") == true)
        process.process.terminate()
        #expect(try bench.exit(of: process).status == .exited(0))
    }

    @Test func `a generic app is ready once its port listens`() throws {
        let bench = try SpawnBench()
        try bench.write("hello from the port", to: "index.html")
        let process = try bench.start([
            ("app_start_command", "/usr/bin/python3 -m http.server --bind 127.0.0.1 $PORT")
        ])
        #expect(process.transport == .httpOneShot)
        guard case .tcp("127.0.0.1", let port, _) = process.address else {
            Issue.record("no port: \(process.address)")
            return
        }
        #expect(port > 0)
        let client = try AppClient(process.address)
        try client.send("GET / HTTP/1.0\r\n\r\n")
        #expect(try client.answer().body == "hello from the port")
        process.process.terminate()
        #expect(try bench.exit(of: process).status == .signaled(15, coreDumped: false))
    }

    @Test func `a generic app is ready once it accepts from its inherited socket, and has no other descriptor`() throws
    {
        let bench = try SpawnBench()
        try bench.write(
            """
            import os, socket
            inherited = ' '.join(sorted(os.listdir('/proc/self/fd'), key=int)[:-1])
            right = os.environ['LISTEN_FDS'] == '1' and os.environ['LISTEN_PID'] == str(os.getpid())
            listener = socket.socket(fileno=3)
            while True:
                connection, _ = listener.accept()
                connection.sendall(('HTTP/1.0 200 OK\\r\\n\\r\\n%s %s' % (inherited, right)).encode())
                connection.close()
            """,
            to: "serve.py"
        )
        let process = try bench.start([("app_start_command", "/usr/bin/python3 serve.py"), ("app_keepalive", "on")])
        #expect(process.transport == .http)
        let client = try AppClient(process.address)
        #expect(try client.answer().body == "0 1 2 3 True")
    }

    @Test func `a port of another user is never used`() throws {
        let bench = try SpawnBench()
        // The test itself takes the port that was chosen: with root's uid while the app would be another user.
        guard Machine.isRoot, let user = Machine.appUsers.first else { return }
        try bench.give(to: user)
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0)
        var probe = ListenProbe(
            port: PortChoice(host: "127.0.0.1", port: listener.port),
            uid: user.uid,
            socketPath: "/nowhere",
            listener: SharedDescriptor(try Descriptor.null())
        )
        guard case .portTaken(port: listener.port, by: 0) = probe.look() else {
            Issue.record("the other user's port was not noticed")
            return
        }
    }

    @Test func `who listens at the app's port of another address delays nothing`() throws {
        guard Machine.isRoot, let user = Machine.appUsers.first else { return }
        let stranger = try TCPListener.bind(host: "127.0.0.2", port: 0)
        let null = SharedDescriptor(try Descriptor.null())
        func probe(_ uid: UInt32) -> ListenProbe {
            ListenProbe(
                port: PortChoice(host: "127.0.0.1", port: stranger.port),
                uid: uid,
                socketPath: "/nowhere",
                listener: null
            )
        }
        var before = probe(user.uid)
        guard case .notYet = before.look() else {
            Issue.record("the port of another address was taken for the app's")
            return
        }
        let app = try TCPListener.bind(host: "127.0.0.1", port: stranger.port)
        var ready = probe(CurrentProcess.effectiveUID)
        guard case .ready(.tcp("127.0.0.1", stranger.port, _)) = ready.look() else {
            Issue.record("the app was not seen")
            return
        }
        _ = app.rawValue
    }

    // MARK: Users and environment

    @Test(.enabled(if: Machine.isRoot && Machine.appUsers.count > 1, "needs root and other users"))
    func `an app runs as its owner, with that user's groups and a clean environment`() throws {
        let user = Machine.appUsers[1]
        let bench = try SpawnBench()
        try bench.write(
            "run lambda { |env| [200, {}, [ENV.to_a.sort.map { |pair| pair.join('=') }.join(\"\\n\")]] }",
            to: "config.ru"
        )
        try bench.give(to: user)
        let process = try bench.start([("env_var", "MY_OWN=1"), ("app_env", "staging")])
        #expect(process.userReason == "runs as \(user.name) because \(user.name) owns config.ru")
        let facts = try #require(ProcessFacts(pid: process.pid))
        #expect(facts.uids == [user.uid, user.uid, user.uid, user.uid])
        #expect(Set(facts.groups) == Set(try Accounts.groups(of: user)))
        let client = try AppClient(process.address)
        try client.request("GET", "/")
        let environment = try client.answer().body.split(separator: "\n")
        #expect(environment.contains("USER=\(user.name)") && environment.contains("HOME=\(user.home)"))
        #expect(environment.contains("MY_OWN=1") && environment.contains("RACK_ENV=staging"))
        #expect(!environment.contains { $0.hasPrefix("LD_LIBRARY_PATH") })
    }

    @Test(.enabled(if: Machine.isRoot, "needs root"))
    func `files of root run as nobody, and settings without authority choose no user`() throws {
        let bench = try SpawnBench()
        try bench.write(Self.hello, to: "config.ru")
        let process = try bench.start()
        #expect(process.userName == "nobody")
        let other = try bench.spawn([("user", Machine.appUsers[0].name)], authority: .owner(uid: 33)).get()
        #expect(other.userName == "nobody")
        other.process.kill()
        let chosen = try bench.start([("user", Machine.appUsers[0].name)])
        #expect(chosen.uid == Machine.appUsers[0].uid)
    }

    @Test(.enabled(if: Machine.isRoot && Machine.appUsers.count > 1, "needs root and other users"))
    func `directories that others may write to are refused with owner, mode and remedies`() throws {
        let bench = try SpawnBench()
        try bench.write(Self.hello, to: "config.ru")
        try bench.give(to: Machine.appUsers[0])
        try Files.setOwner(bench.appRoot, owner: Machine.appUsers[1].uid, group: nil)
        let failure = try #require(try bench.failure())
        #expect(failure.category == .configuration)
        #expect(failure.summary.contains("(owner \(Machine.appUsers[1].name), mode 0755)"))
        let remedies = failure.remedies.map(\.description).joined(separator: "\n")
        #expect(remedies.contains("chown \(Machine.appUsers[0].name)") && remedies.contains("passenger_user"))
    }

    @Test(.enabled(if: Machine.isRoot && !Machine.appUsers.isEmpty, "needs root and other users"))
    func `a directory that the user cannot enter is named`() throws {
        let bench = try SpawnBench()
        try bench.write(Self.hello, to: "config.ru")
        try bench.give(to: Machine.appUsers[0])
        try Files.setMode(bench.directory.path, 0o700)
        let failure = try #require(try bench.failure())
        #expect(failure.step == .workingDirectory)
        #expect(failure.summary.hasPrefix("the directory \(bench.directory.path) cannot be entered by"))
    }

    // MARK: Failures

    @Test func `a root without startup file has no application, a missing root is a failure`() throws {
        let bench = try SpawnBench()
        #expect(try bench.failure()?.category == .noApplication)
        try Files.removeTree(bench.appRoot)
        #expect(try bench.failure()?.category == .fileSystem)
    }

    @Test(arguments: [
        ("config.ru", "this is (not Ruby", "syntax error", Journey.Step.app),
        ("config.ru", "raise 'no luck'", "RuntimeError: no luck", .app),
        ("config.ru", "exit 3", "the application ended itself", .app),
        ("config.ru", "exit! 3", "the process ended with exit code 3 before it was ready", .app),
        ("config.ru", "Process.kill(:KILL, $$); sleep", "the process ended with signal SIGKILL", .app),
        ("passenger_wsgi.py", "def application(:", "syntax error: invalid syntax (passenger_wsgi.py:1)", .app),
        ("passenger_wsgi.py", "import no_such_module", "the Python module no_such_module, which", .app),
        ("passenger_wsgi.py", "x = 1", "passenger_wsgi.py defines nothing named \"application\"", .app),
        ("app.js", "this is not JavaScript", "syntax error", .app),
        ("app.js", "setTimeout(() => { throw new TypeError('late') }, 1)", "TypeError: late", .app),
        ("app.js", "Promise.reject(new Error('unhandled'))", "Error: unhandled", .app),
        ("app.js", "console.log('done')", "has been loaded to its end and nothing listens", .app),
        (
            "app.js", "const { createServer } = require('http'); createServer().listen(1); createServer().listen(2)",
            "http.Server.listen() was called more than once: only the first server can be served", .listen
        ),
        (
            "app.js", "require('http').createServer().listen(1).on('listening', () => { throw new TypeError('here') })",
            "TypeError: here", .listen
        ),
        ("app.js", "require('./missing.js')", "the file missing.js, which app.js:1 requires, does not exist", .app),
    ])
    func `a broken app says what is wrong`(file: String, text: String, summary: String, step: Journey.Step) throws {
        let bench = try SpawnBench()
        try bench.write(text, to: file)
        let failure = try #require(try bench.failure())
        #expect(failure.summary.contains(summary), "\(failure.summary)")
        #expect(failure.category == .app && failure.step == step)
        #expect(failure.context.journey.failed == step)
        #expect(failure.context.program?.environment.contains { $0.name == "IN_PASSENGER" } == true)
        try eventually("socket and record to be gone") { try Files.list(bench.directory.file("sockets")).isEmpty }
    }

    @Test func `a failure tells environment, limits and steps as they really were`() throws {
        let bench = try SpawnBench()
        try bench.write("sleep 0.05; raise 'no luck'", to: "config.ru")
        try bench.write("FROM_FILE=1\nAPI_KEY=abc\n", to: "env")
        let failure = try #require(
            try bench.failure([("env_file", "env"), ("app_file_descriptor_ulimit", "123"), ("env_var", "MINE=")])
        )
        let environment = try #require(failure.context.program?.environment)
        #expect(environment.contains(.init(name: "FROM_FILE", value: "1")))
        #expect(environment.contains(.init(name: "MINE", value: "")))
        #expect(environment.contains(.init(name: "API_KEY", value: SecretMask.replacement)))
        #expect(failure.context.limits.contains(.init(name: "open files", soft: 123, hard: 123)))
        let steps = failure.context.journey.entries.filter { $0.state != .notStarted }
        #expect(
            steps.map(\.step).prefix(7) == [
                .prepare, .start, .switchUser, .workingDirectory, .environmentFile, .execute, .loader,
            ]
        )
        #expect(steps.dropLast().allSatisfy { $0.state == .done && $0.duration ?? .zero > .zero })
        #expect(steps.last?.state == .failed && steps.last?.duration ?? .zero > .milliseconds(40))
        #expect(failure.kind == .exception || failure.kind == nil)
    }

    @Test func `a script in place of the interpreter whose own is missing is told apart`() throws {
        let bench = try SpawnBench()
        try bench.write(Self.hello, to: "config.ru")
        try bench.directory.write("#!/no/such/ruby\n", to: "app/ruby", mode: 0o755)
        let failure = try #require(try bench.failure([("ruby", bench.directory.file("app/ruby"))]))
        #expect(failure.kind == .interpreterMissing && failure.step == .execute)
        #expect(failure.summary.contains("its first line names /no/such/ruby: No such file or directory"))
    }

    @Test func `a Node app's own handler of TERM ends it`() throws {
        let bench = try SpawnBench()
        try bench.write(
            """
            require('http').createServer().listen(1);
            process.on('SIGTERM', () => setTimeout(() => process.exit(7), 50));
            """,
            to: "app.js"
        )
        let process = try bench.start()
        try ProcessHandle(pid: process.pid).signal(.terminate)
        #expect(try bench.exit(of: process).status == .exited(7))
    }

    @Test func `an error in an ES module is told`() throws {
        let bench = try SpawnBench()
        try bench.write("await Promise.reject(new RangeError('in a module'))", to: "app.mjs")
        let failure = try bench.failure([("app_type", "node"), ("startup_file", "app.mjs")])
        #expect(failure?.summary == "the application raised RangeError: in a module (app.mjs:1)")
        #expect(failure?.context.output.contains("app.mjs") == true)
    }

    @Test func `an app that hangs is killed with its group at the time limit`() throws {
        let bench = try SpawnBench()
        // Its own number, because others may run the same test.
        let seconds = "\(UInt32.random(in: 100_000...999_999))"
        try bench.write("puts 'hanging'; spawn('sleep \(seconds)'); sleep", to: "config.ru")
        let failure = try #require(try bench.failure([("start_timeout", "1")]))
        #expect(failure.category == .timeout && failure.step == .app && failure.context.output == "hanging")
        try eventually("the group's end") {
            !ProcInfo.all().contains { ProcInfo.arguments(of: $0) == ["sleep", seconds] }
        }
    }

    @Test func `bytes of the app on the control channel end the start`() throws {
        let bench = try SpawnBench()
        try bench.write("IO.for_fd(4, autoclose: false).syswrite(\"GET / HTTP/1.1\\n\"); sleep", to: "config.ru")
        #expect(try bench.failure()?.summary.contains("GET / HTTP/1.1") == true)
        try bench.write("IO.for_fd(4).close; sleep", to: "config.ru")
        #expect(try bench.failure()?.summary.contains("closed its control channel") == true)
    }

    @Test func `an interpreter that is not there is named, with the setting`() throws {
        let bench = try SpawnBench()
        try bench.write(Self.hello, to: "config.ru")
        let failure = try #require(try bench.failure([("ruby", "/no/such/ruby")]))
        #expect(failure.step == .execute && failure.summary.contains("/no/such/ruby"))
        #expect(failure.remedies.first?.description.contains("passenger_ruby") == true)
    }

    @Test func `a spawn that is given up leaves nothing`() throws {
        let bench = try SpawnBench()
        try bench.write("sleep", to: "config.ru")
        guard case .failure(let failure) = try bench.spawn(cancelAfter: .milliseconds(300)) else {
            Issue.record("it came up")
            return
        }
        #expect(failure.category == .cancelled)
        try eventually("socket and record to be gone") { try Files.list(bench.directory.file("sockets")).isEmpty }
    }

    // MARK: Life and output

    @Test func `a crash is told with its signal and the last output`() throws {
        let bench = try SpawnBench()
        try bench.write(
            "puts 'up'; run lambda { |env| $stderr.puts 'last words'; Process.kill(:KILL, $$); sleep }",
            to: "config.ru"
        )
        let process = try bench.start()
        let client = try AppClient(process.address)
        try client.request("GET", "/")
        let exit = try bench.exit(of: process)
        #expect(exit.status == .signaled(9, coreDumped: false) && !exit.wasExpected)
        #expect(exit.lastOutput == "up\nlast words")
        #expect(bench.output(of: process) == ["up", "last words"])
    }

    @Test func `what is left of a group ends with its leader`() throws {
        let bench = try SpawnBench()
        try bench.write(
            "$child = spawn('sleep', '2000'); puts $child; run lambda { |env| [200, {}, []] }",
            to: "config.ru"
        )
        let process = try bench.start()
        try eventually("the child's pid") { !bench.output(of: process).isEmpty }
        let child = try #require(Int32(bench.output(of: process)[0]))
        process.process.kill()
        _ = try bench.exit(of: process)
        try eventually("the child's end") { ProcInfo(pid: child)?.isZombie ?? true }
    }

    @Test func `a flood of output blocks nobody`() throws {
        let bench = try SpawnBench()
        let flood = "chunk = 'y' * 1_000_000; 100.times { $stdout.write(chunk) }; 100_000.times { puts 'line' }\n"
        try bench.write(flood + Self.hello, to: "config.ru")
        let process = try bench.start([("start_timeout", "60")])
        let client = try AppClient(process.address)
        try client.request("GET", "/")
        #expect(try client.answer().head.contains("200"))
        #expect(bench.output(of: process).reduce(0) { $0 + $1.utf8.count } < 20_000_000)
        process.process.terminate()
        _ = try bench.exit(of: process)
        #expect(bench.output(of: process).contains { $0.contains("lines left out") })
    }
}
