// SPDX-License-Identifier: MIT

import LinuxSystem
import ShownText
import SpawnPlan
import TestSupport
import Testing

@testable import Supervisor

/// Interpreters older than supported, pretended by wrappers: an error that names both versions, never a syntax error.
@Suite(.enabled(if: Machine.has("ruby") && Machine.has("python3") && Machine.has("node"), "needs Ruby, Python, Node"))
struct OldInterpreterTests {
    /// A program that says that it is of another version, and runs its arguments.
    private func pretend(_ text: String, _ files: [String: String], in bench: SpawnBench) throws -> String {
        for (name, content) in files { try bench.directory.write(content, to: "pretend/\(name)") }
        let directory = bench.directory.file("pretend")
        let filled = text.split(separator: "DIR", omittingEmptySubsequences: false).joined(separator: directory)
        return try bench.directory.write(filled, to: "pretend/interpreter", mode: 0o755)
    }

    private func failure(_ bench: SpawnBench, _ setting: String, _ program: String) throws -> SpawnFailure {
        let failure = try #require(try bench.failure([(setting, program)]))
        #expect(failure.kind == .interpreterUnsupported && failure.category == .configuration, "\(failure)")
        #expect(failure.step == .loader)
        #expect(failure.remedies.first?.description.hasPrefix("Set passenger_\(setting) to the path of a ") == true)
        return failure
    }

    @Test(arguments: [("1.8.7", true), ("2.4.10", true), ("2.5.0", false)])
    func `Ruby`(version: String, isTooOld: Bool) throws {
        let bench = try SpawnBench()
        try bench.write("run lambda { |env| [200, {}, []] }", to: "config.ru")
        let program = try pretend(
            "#!/bin/sh\nexec ruby -rDIR/version.rb \"$@\"\n",
            ["version.rb": "Object.send(:remove_const, :RUBY_VERSION)\nRUBY_VERSION = '\(version)'\n"],
            in: bench
        )
        guard isTooOld else {
            _ = try bench.start([("ruby", program)])
            return
        }
        let failure = try failure(bench, "ruby", program)
        #expect(failure.summary == "the interpreter is Ruby \(version), but Ruby 2.5 or newer is needed")
    }

    @Test(arguments: [("(2, 7, 18)", "2.7"), ("(3, 7, 17)", "3.7"), ("(3, 8, 0)", nil)])
    func `Python`(version: String, tooOld: String?) throws {
        let bench = try SpawnBench()
        try bench.write("def application(environ, start_response): return []", to: "passenger_wsgi.py")
        let program = try pretend(
            "#!/bin/sh\nPYTHONPATH=DIR exec /usr/bin/python3 \"$@\"\n",
            ["usercustomize.py": "", "sitecustomize.py": "import sys\nsys.version_info = \(version) + ('final', 0)\n"],
            in: bench
        )
        guard let tooOld else {
            _ = try bench.start([("python", program)])
            return
        }
        let failure = try failure(bench, "python", program)
        let sentence = "the interpreter is Python \(tooOld) (/usr/bin/python3), but Python 3.8 or newer is needed"
        #expect(failure.summary == sentence)
    }

    @Test(arguments: [("0.10.48", true), ("14.21.3", true), ("16.0.0", false)])
    func `Node`(version: String, isTooOld: Bool) throws {
        let bench = try SpawnBench()
        try bench.write("require('http').createServer().listen(1)", to: "app.js")
        let program = try pretend(
            "#!/bin/sh\nexec node -r DIR/version.js \"$@\"\n",
            [
                "version.js": """
                const versions = Object.assign({}, process.versions, { node: '\(version)' });
                Object.defineProperty(process, 'versions', { value: versions });
                """
            ],
            in: bench
        )
        guard isTooOld else {
            _ = try bench.start([("nodejs", program)])
            return
        }
        let failure = try failure(bench, "nodejs", program)
        #expect(failure.summary.hasPrefix("the interpreter is Node \(version) ("))
        #expect(failure.summary.hasSuffix("), but Node 16 or newer is needed"))
    }

    /// Python 3.12 has no module lib2to3 any more; up to then it holds the grammar of Python 2.
    private static let hasOldGrammar: Bool = {
        let outcome = try? Shell.run(["/usr/bin/python3", "-W", "ignore", "-c", "import lib2to3.pygram"])
        return outcome?.status.isSuccess == true
    }()

    @Test(.enabled(if: hasOldGrammar, "needs lib2to3"))
    func `the first file of the Python loader is Python 2 as well`() throws {
        let bench = try SpawnBench()
        let outcome = try Shell.run([
            "/usr/bin/python3", "-W", "ignore", "-c",
            """
            import sys
            from lib2to3 import pygram, pytree
            from lib2to3.pgen2 import driver
            grammar = pygram.python_grammar
            driver.Driver(grammar, convert=pytree.convert).parse_file(sys.argv[1])
            """, bench.directory.file("loaders/wsgi-loader.py"),
        ])
        #expect(outcome.status.isSuccess, "\(outcome.output)")
    }

    @Test func `the first files of the Ruby and Node loaders use nothing that old versions cannot read`() throws {
        let bench = try SpawnBench()
        let ruby = try TestFile.text(bench.directory.file("loaders/rack-loader.rb"))
        let node = try TestFile.text(bench.directory.file("loaders/node-loader.js"))
        for line in ruby.split(separator: "\n") where !line.hasPrefix("#") {
            // Keyword labels, lambdas, safe navigation, "require_relative", squiggly heredocs.
            #expect(line.firstMatch(of: #/\b[a-z_]+: [^'"]|->|&\.|require_relative|<<~/#) == nil, "\(line)")
        }
        for line in node.split(separator: "\n") where !line.hasPrefix("//") {
            #expect(line.firstMatch(of: #/\b(const|let|class|async|await)\b|=>|`|\.\.\./#) == nil, "\(line)")
        }
    }
}
