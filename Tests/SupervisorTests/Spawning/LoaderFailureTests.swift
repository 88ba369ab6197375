// SPDX-License-Identifier: MIT

import LinuxSystem
import ShownText
import SpawnPlan
import TestSupport
import Testing

@testable import Supervisor

/// What the loaders say about applications that cannot be loaded: kind, one sentence, what to type.
@Suite(.enabled(if: Machine.has("ruby") && Machine.has("python3") && Machine.has("node"), "needs Ruby, Python, Node"))
struct LoaderFailureTests {
    /// One broken application.
    struct Case: Sendable, CustomTestStringConvertible {
        let file: String
        let text: String
        let kind: SpawnFailure.Kind
        let summary: String
        let remedy: String

        init(_ file: String, _ text: String, _ kind: SpawnFailure.Kind, _ summary: String, remedy: String) {
            self.file = file
            self.text = text
            self.kind = kind
            self.summary = summary
            self.remedy = remedy
        }

        var testDescription: String { "\(file): \(text)" }
    }

    @Test(arguments: [
        Case(
            "config.ru",
            "require 'no_such/library'",
            .missingGem,
            "the library no_such/library, which config.ru:1 requires, is in none of the gems that Ruby ",
            remedy: "-S gem install --user-install no_such"
        ),
        Case(
            "config.ru",
            "require_relative 'lib/gone'",
            .exception,
            "lib/gone, which config.ru:1 requires, does not exist",
            remedy: "config.ru:1"
        ),
        Case("config.ru", "run lambda { |env| [", .syntaxError, "(config.ru:1)", remedy: "Correct line 1 of config.ru"),
        Case(
            "config.ru",
            "require 'yaml'\nYAML.load(\"a: [1,\\nb: }\", filename: 'settings.yml')",
            .syntaxError,
            "(settings.yml:2)",
            remedy: "Correct line 2 of settings.yml"
        ),
        Case(
            "config.ru",
            "def helper\n  raise ArgumentError, \"odd\\nsecond line\"\nend\nhelper",
            .exception,
            "the application raised ArgumentError: odd (config.ru:2)",
            remedy: "Look at config.ru:2"
        ),
        Case(
            "config.ru",
            "exit 3",
            .earlyExit,
            "the application ended itself (exit(3) at config.ru:1) before it was ready",
            remedy: "calls exit"
        ),
        Case("config.ru", "raise '€😀' * 100_000", .exception, "€😀 (config.ru:1)", remedy: "config.ru:1"),
        Case("config.ru", "use Rack::Head", .configuration, "it has no \"run\" line", remedy: "End config.ru with"),
        Case("config.ru", "run 42", .configuration, "an object of class Integer", remedy: "answers call(env)"),
        Case(
            "config.ru",
            "'x' * (1 << 62)",
            .outOfMemory,
            "there was not enough memory to load the application (NoMemoryError: failed to allocate memory)",
            remedy: "free -m"
        ),
    ])
    func `a Rack application that cannot be loaded`(failing: Case) throws { try check(failing) }

    @Test(arguments: [
        Case(
            "passenger_wsgi.py",
            "import no_such.module",
            .missingModule,
            "the Python module no_such, which passenger_wsgi.py:1 imports, is not installed for ",
            remedy: "python3 -m venv venv && venv/bin/pip install no_such"
        ),
        Case(
            "passenger_wsgi.py",
            "from os import no_such_name",
            .missingModule,
            "cannot import name 'no_such_name' from 'os'",
            remedy: "requirements.txt"
        ),
        Case(
            "passenger_wsgi.py",
            "def page():\nreturn 1",
            .syntaxError,
            "IndentationError: expected an indented block",
            remedy: "Correct line 2 of passenger_wsgi.py"
        ),
        Case(
            "passenger_wsgi.py",
            "def helper():\n    raise ValueError('odd\\nsecond line')\n\n\nhelper()",
            .exception,
            "the application raised ValueError: odd (passenger_wsgi.py:2)",
            remedy: "Look at passenger_wsgi.py:2"
        ),
        Case(
            "passenger_wsgi.py",
            "import sys\nsys.exit('no settings')",
            .earlyExit,
            "(SystemExit: no settings at passenger_wsgi.py:2)",
            remedy: "calls exit"
        ),
        Case(
            "passenger_wsgi.py",
            "application = 1",
            .configuration,
            "passenger_wsgi.py defines an \"application\" that cannot be called",
            remedy: "import application"
        ),
        Case(
            "passenger_wsgi.py",
            "bytearray(1 << 60)",
            .outOfMemory,
            "MemoryError at passenger_wsgi.py:1",
            remedy: "free -m"
        ),
        Case("passenger_wsgi.py", "raise OSError('€😀' * 100000)", .exception, " (passenger_wsgi.py:1)", remedy: ""),
        // An application that has taken its error stream away still gets its report.
        Case(
            "passenger_wsgi.py",
            "import sys\nsys.stderr.close()\n1 / 0",
            .exception,
            "ZeroDivisionError: division by zero (passenger_wsgi.py:3)",
            remedy: "passenger_wsgi.py:3"
        ),
    ])
    func `a WSGI application that cannot be loaded`(failing: Case) throws { try check(failing) }

    @Test(arguments: [
        Case(
            "app.js",
            "require('no-such-module')",
            .missingModule,
            "the Node module no-such-module, which app.js:1 requires, is not installed for this application",
            remedy: "npm install no-such-module"
        ),
        Case(
            "app.mjs",
            "import express from 'no-such-module';",
            .missingModule,
            "the Node module no-such-module, which app.mjs requires,",
            remedy: "npm install no-such-module"
        ),
        Case("app.js", "const a = 1;\nconst b = ;", .syntaxError, "(app.js:2)", remedy: "Correct line 2 of app.js"),
        Case("app.mjs", "const a = 1;\nconst b = ;", .syntaxError, "(app.mjs:2)", remedy: "Correct line 2 of app.mjs"),
        Case(
            "app.js",
            "function helper() { throw new TypeError('odd\\nsecond line'); }\nhelper();",
            .exception,
            "the application raised TypeError: odd (app.js:1)",
            remedy: "Look at app.js:1"
        ),
        Case("app.js", "throw new Error('€😀'.repeat(100000))", .exception, " (app.js:1)", remedy: ""),
        Case("app.js", "throw 'text'", .exception, "the application raised string: text", remedy: ""),
        Case(
            "app.js",
            "process.exit(3)",
            .earlyExit,
            "the application ended itself (exit code 3) before it listened",
            remedy: "process.exit"
        ),
        Case(
            "app.js",
            "setTimeout(() => {}, 10)",
            .configuration,
            "app.js has been loaded to its end and nothing listens",
            remedy: "app.listen(3000)"
        ),
        Case("app.js", "new ArrayBuffer(2 ** 52)", .outOfMemory, "not enough memory", remedy: "free -m"),
    ])
    func `a Node application that cannot be loaded`(failing: Case) throws { try check(failing) }

    private func check(_ failing: Case) throws {
        let bench = try SpawnBench()
        try bench.write(failing.text, to: failing.file)
        let type = failing.file == "app.mjs" ? [("app_type", "node"), ("startup_file", "app.mjs")] : []
        let failure = try #require(try bench.failure(type))
        #expect(failure.kind == failing.kind, "\(failure.summary)")
        #expect(failure.summary.contains(failing.summary), "\(failure.summary)")
        #expect(!failure.summary.contains("\n"))
        if !failing.remedy.isEmpty {
            #expect(failure.remedies.contains { $0.description.contains(failing.remedy) }, "\(failure.remedies)")
        }
        // Nobody is helped by lines of the loader in the backtrace.
        for line in failure.detail.split(separator: "\n") {
            #expect(!line.contains("/loaders/"), "\(line)")
        }
    }

    // MARK: What is closed, or elsewhere

    @Test(.enabled(if: Machine.isRoot, "needs a user of its own for the application"))
    func `what the user may not read is named, with the directory that is closed`() throws {
        let user = try #require(Machine.appUsers.first)
        let bench = try SpawnBench()
        try bench.directory.write("secret", to: "closed/inner/file.txt")
        let file = bench.directory.file("closed/inner/file.txt")
        try Files.setMode(bench.directory.file("closed"), 0o700)
        for (name, text) in [
            ("config.ru", "File.read('\(file)')"), ("passenger_wsgi.py", "open('\(file)')"),
            ("app.js", "require('fs').readFileSync('\(file)')"),
        ] {
            try bench.write(text, to: name)
            try bench.give(to: user)
            let failure = try #require(try bench.failure())
            #expect(failure.kind == .permissionDenied && failure.category == .fileSystem, "\(failure)")
            let closed = bench.directory.file("closed")
            #expect(
                failure.summary == "the application may not use \(file), because it runs as \(user.name), "
                    + "who may not enter \(closed)"
            )
            #expect(failure.remedies.first?.description.contains("ls -ld \(closed)") == true)
            try Files.remove("\(bench.appRoot)/\(name)")
        }
    }

    @Test(.enabled(if: Machine.isRoot, "needs a user of its own for the application"))
    func `of a file that cannot be made the directory is named`() throws {
        let user = try #require(Machine.appUsers.first)
        let bench = try SpawnBench()
        let folder = bench.directory.file("rooted")
        try Files.makeDirectories(folder)
        let file = "\(folder)/log.txt"
        for (name, text) in [
            ("config.ru", "File.write('\(file)', '')"), ("passenger_wsgi.py", "open('\(file)', 'w')"),
            ("app.js", "require('fs').writeFileSync('\(file)', '')"),
        ] {
            try bench.write(text, to: name)
            try bench.give(to: user)
            let failure = try #require(try bench.failure())
            #expect(failure.kind == .permissionDenied, "\(failure)")
            #expect(
                failure.summary.hasSuffix("runs as \(user.name), who may not write in \(folder)"),
                "\(failure.summary)"
            )
            #expect(failure.remedies.first?.description.contains("ls -ld \(folder)") == true)
            try Files.remove("\(bench.appRoot)/\(name)")
        }
    }

    @Test(.enabled(if: Machine.isRoot, "needs a user of its own for the application"))
    func `gems and modules in a closed directory are looked for there`() throws {
        let user = try #require(Machine.appUsers.first)
        let bench = try SpawnBench()
        let closed = bench.directory.file("closed")
        for name in ["gems", "modules", "python"] { try Files.makeDirectories("\(closed)/\(name)") }
        try Files.setMode(closed, 0o700)
        let variables = [
            ("env_var", "GEM_PATH=\(closed)/gems:/usr/share/rubygems-integration/all"),
            ("env_var", "NODE_PATH=\(closed)/modules"), ("env_var", "PYTHONPATH=\(closed)/python"),
        ]
        for (name, text) in [
            ("config.ru", "require 'no_such'"), ("passenger_wsgi.py", "import no_such"),
            ("app.js", "require('no-such')"),
        ] {
            try bench.write(text, to: name)
            try bench.give(to: user)
            let failure = try #require(try bench.failure(variables))
            let remedy = try #require(failure.remedies.first)
            #expect(remedy.text.contains("below \(closed) cannot be seen: \(user.name) may not enter it"), "\(remedy)")
            try Files.remove("\(bench.appRoot)/\(name)")
        }
    }

    @Test func `a virtual environment that is not used is found`() throws {
        let bench = try SpawnBench()
        try bench.write("import no_such", to: "passenger_wsgi.py")
        try Files.makeDirectories("\(bench.appRoot)/.venv/bin")
        try Files.makeLink(at: "\(bench.appRoot)/.venv/bin/python", to: "/usr/bin/python3")
        let failure = try #require(try bench.failure())
        #expect(
            failure.remedies.contains {
                $0.description.hasSuffix("passenger_python \(bench.appRoot)/.venv/bin/python;")
            }
        )
    }

    @Test func `a module that package.json lists needs npm install only`() throws {
        let bench = try SpawnBench()
        try bench.write("require('no-such')", to: "app.js")
        try bench.write(#"{"dependencies": {"no-such": "1"}}"#, to: "package.json")
        let failure = try #require(try bench.failure())
        #expect(failure.remedies.contains { $0.command?.contains("npm install") == true })
    }

    // MARK: Rails of before version 3

    private static let dispatcher = """
        module ActionController
          class Dispatcher
            def initialize(output = $stdout, request = nil, response = nil); end

            def call(env)
              [200, { 'Content-Type' => 'text/plain' }, ["Rails #{Rails::VERSION::STRING} #{env['PATH_INFO']}"]]
            end
          end
        end
        """
    private static let environment = "require File.expand_path('../../vendor/rails', __FILE__)\n"

    private static func version(_ text: String) -> String {
        "module Rails\n  module VERSION\n    STRING = '\(text)'\n  end\nend\n"
    }

    @Test func `a Rails whose dispatcher is a Rack application runs without config.ru`() throws {
        let bench = try SpawnBench()
        try bench.write(Self.environment, to: "config/environment.rb")
        try bench.write(Self.version("2.3.18") + Self.dispatcher, to: "vendor/rails.rb")
        let process = try bench.start()
        let client = try AppClient(process.address)
        try client.request("GET", "/posts")
        #expect(try client.answer().body == "Rails 2.3.18 /posts")
    }

    @Test(arguments: [
        (version("6.1.7"), "loaded Rails 6.1.7, which is started by config.ru", "run Rails.application"),
        (
            version("2.1.0") + "module ActionController\n  class Dispatcher\n  end\nend\n",
            "loaded Rails 2.1.0, and the oldest that can run is 2.3", "write a config.ru"
        ), ("# nothing", "config/environment.rb loaded no Rails", "write a config.ru"),
    ])
    func `any other says what is supported`(framework: String, summary: String, remedy: String) throws {
        let bench = try SpawnBench()
        try bench.write(Self.environment, to: "config/environment.rb")
        try bench.write(framework, to: "vendor/rails.rb")
        let failure = try #require(try bench.failure())
        #expect(failure.kind == .frameworkUnsupported)
        #expect(failure.summary.hasSuffix(summary), "\(failure.summary)")
        #expect(failure.remedies.contains { $0.description.contains(remedy) }, "\(failure.remedies)")
    }
}
