// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Other interpreters than the usual ones, chosen per application.
    @Suite(.enabled(if: Integration.hasRuby, "needs ruby"), .timeLimit(.minutes(4)))
    struct InterpreterTests {
        static let jruby = Machine.path(of: "jruby")
        /// Debian's JRuby looks for gems in a folder of its own only.
        static let jrubySettings = [
            "passenger_ruby \(jruby ?? "jruby");",
            "passenger_env_var GEM_PATH /usr/share/rubygems-integration/all;",
        ]

        @Test(.enabled(if: jruby != nil && Machine.has("curl"), "needs jruby and curl"))
        func `JRuby runs the rack example beside MRI and Python, bodies of 100 MiB included`() throws {
            let length = 100 << 20
            let site = try Site.running(
                [
                    .init("mri", from: "rack", owner: Integration.owner(0)),
                    .init("jruby", from: "rack", owner: Integration.owner(1), settings: Self.jrubySettings),
                    .init("python", from: "wsgi", owner: Integration.owner(1)),
                ],
                httpSettings: ["client_max_body_size 0;"]
            )
            #expect(try site.page("mri", "/interpreter").text.hasPrefix("ruby "))
            #expect(try site.page("jruby", "/interpreter").text.hasPrefix("jruby "))
            let pid = try #require(try site.page("jruby", "/pid").pid)
            if let owner = Integration.owner(1) { #expect(try site.page("jruby").field("user") == owner.name) }
            #expect(try TestFile.text("/proc/\(pid)/comm") == "Passenger RackA\n")
            // A virtual machine is not started for nothing but to say that it cannot fork.
            #expect(site.log().pieces(between: "the interpreter cannot fork").count == 2)
            #expect(try site.processes(of: "jruby").map(\.pid) == [pid])

            // Kept connections, several of them, one process.
            let clients = try (0..<4).map { _ in try HTTPConnection(port: site.port) }
            for _ in 0..<5 {
                for client in clients { #expect(try client.get("/pid", host: "jruby.localhost").pid == pid) }
            }
            #expect(try site.page("jruby", "/chunks?n=1000").text.pieces(between: "line ").count == 1001)
            #expect(try site.get("jruby", "/raise").status == 500)
            #expect(try site.get("jruby", "/none").status == 404)
            _ = try site.page("jruby", "/log")
            try eventually("the line") { site.log().contains("App \(pid) output: a line on standard error\n") }

            let outcome = try Shell.script(
                """
                set -eu -o pipefail
                cd \(site.directory.path)
                head -c \(length) /dev/urandom > upload
                sum=$(sha256sum < upload)
                url=http://jruby.localhost:\(site.port)
                resolve="--resolve jruby.localhost:\(site.port):127.0.0.1"
                for kind in "Content-Length: \(length)" "Transfer-Encoding: chunked"; do
                    echo "$(curl -sS $resolve -H "$kind" -H Expect: -T upload "$url/echo") wanted \(length) ${sum%% *}"
                done
                pattern=$(/usr/bin/python3 -c '
                import hashlib
                digest = hashlib.sha256()
                for _ in range(\(length >> 16)): digest.update(bytes(range(256)) * 256)
                print(digest.hexdigest())')
                down=$(curl -sS $resolve "$url/download?bytes=\(length)" | sha256sum)
                echo "${down%% *} wanted $pattern"
                """
            )
            #expect(outcome.status == .exited(0), "\(outcome.output)\n\(site.log().suffix(2000))")
            for line in outcome.output.split(separator: "\n") {
                let (got, wanted) = (line.pieces(between: " wanted ").first, line.pieces(between: " wanted ").last)
                #expect(got == wanted)
            }
            #expect(outcome.output.split(separator: "\n").count == 3)

            // The same process through all of that; it dumps its threads and ends when it is asked to.
            #expect(try site.page("jruby", "/pid").pid == pid)
            try ProcessHandle(pid: pid).signal(.quit)
            try eventually("the threads") { site.log().contains("App \(pid) output: Full thread dump") }
            #expect(try site.page("jruby", "/pid").pid == pid)
            try ProcessHandle(pid: pid).signal(.terminate)
            try eventually("the end of JRuby") { !ProcessFacts.isRunning(pid) }
            #expect(try site.page("mri", "/interpreter").text.hasPrefix("ruby "))
            #expect(try site.page("python", "/pid").pid != nil)
        }

        @Test(.enabled(if: jruby != nil, "needs jruby"))
        func `what JRuby cannot load is told like MRI's`() throws {
            let site = try Site(apps: [
                .init("gems", from: nil, settings: ["passenger_ruby \(Self.jruby ?? "");"]),
                .init("syntax", from: nil, settings: Self.jrubySettings),
            ])
            try site.directory.write("run lambda { |env| [200, {}, []] }\n", to: "apps/gems/config.ru")
            try site.directory.write("run lambda { |env|\n", to: "apps/syntax/config.ru")
            for name in ["gems", "syntax"] {
                try Files.makeDirectories("\(site.root(of: name))/public")
                if let owner = Integration.owner(0) { try TestDirectory.give(site.root(of: name), to: owner) }
            }
            try site.startDaemon()
            try site.startFront()
            // At the same time: JRuby takes seconds to start.
            let visits = try ["gems", "syntax"].map { name in
                let visit = try HTTPConnection(port: site.port, limit: .seconds(120))
                try visit.send("GET / HTTP/1.1\r\nHost: \(name).localhost\r\n\r\n")
                return visit
            }
            for visit in visits { #expect(try visit.readResponse().status == 500) }
            let log = site.log()
            let missing = "the gem rack, which every Rack application needs, was not found by JRuby 9"
            #expect(log.contains(missing), "\(log)")
            #expect(log.contains("gem install --user-install rack"))
            #expect(log.contains("(config.ru:1)") && log.contains("Correct line 1 of config.ru"), "\(log)")
        }

        @Test func `an application runs in its virtual environment`() throws {
            let site = try Site(apps: [])
            let venv = site.directory.file("venv")
            let made = try Shell.run(["/usr/bin/python3", "-m", "venv", "--without-pip", venv])
            #expect(made.status.isSuccess, "\(made.output)")
            let found = try Shell.run(["\(venv)/bin/python", "-c", "import site; print(site.getsitepackages()[0])"])
            let packages = try #require(found.output.split(separator: "\n").last.map(String.init))
            try #require(packages.hasPrefix(venv), "\(packages)")
            try Files.makeDirectories("\(packages)/own_package")
            let module = Array("ANSWER = 'from the virtual environment'\n".utf8)
            try Files.write(module, to: "\(packages)/own_package/__init__.py")
            let code = """
                import sys
                from own_package import ANSWER


                def application(environ, start_response):
                    start_response("200 OK", [("Content-Type", "text/plain")])
                    return [f"{ANSWER}\\nprefix: {sys.prefix}\\n".encode()]

                """
            for (name, settings) in [("inside", ["passenger_python \(venv)/bin/python;"]), ("outside", [])] {
                try site.directory.write(code, to: "apps/\(name)/passenger_wsgi.py")
                try Files.makeDirectories("\(site.root(of: name))/public")
                if let owner = Integration.owner(0) { try TestDirectory.give(site.root(of: name), to: owner) }
                try site.add(.init(name, from: nil, owner: Integration.owner(0), settings: settings))
            }
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            let page = try site.page("inside")
            #expect(page.text.hasPrefix("from the virtual environment\n") && page.field("prefix") == venv)
            #expect(try site.get("outside").status == 500)
            let missing = "the Python module own_package, which passenger_wsgi.py:2 imports, is not installed"
            #expect(site.log().contains(missing))
        }

        @Test(.enabled(if: Machine.isRoot, "needs a directory that the application may not enter"))
        func `a virtual environment below a closed home is named with the directory that is closed`() throws {
            let site = try Site(apps: [])
            let home = site.directory.file("home")
            let made = try Shell.run(["/usr/bin/python3", "-m", "venv", "--without-pip", "\(home)/venv"])
            #expect(made.status.isSuccess, "\(made.output)")
            try Files.setMode(home, 0o700)
            let settings = ["passenger_python \(home)/venv/bin/python;"]
            try site.add(.init("app", from: "wsgi", owner: Integration.owner(0), settings: settings))
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            #expect(try site.get("app").status == 500)
            let log = site.log()
            #expect(log.contains("the directory \(home) cannot be entered"), "\(log.suffix(3000))")
            #expect(log.contains("/usr/bin/python3 -m venv \(site.root(of: "app"))/venv"), "\(log.suffix(3000))")
        }

        @Test func `a wrapper may prepare the environment and become the interpreter`() throws {
            let site = try Site(apps: [])
            let wrapper = try site.directory.write(
                "#!/bin/sh\nPREPARED_BY=wrapper\nexport PREPARED_BY\nexec ruby -W:no-deprecated \"$@\"\n",
                to: "bin/ruby-wrapper",
                mode: 0o755
            )
            let settings = ["passenger_ruby \(wrapper);"]
            try site.add(.init("rack", from: "rack", owner: Integration.owner(0), settings: settings))
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            #expect(try site.page("rack", "/env").text.split(separator: "\n").contains("PREPARED_BY=wrapper"))
            let pid = try #require(try site.page("rack", "/pid").pid)
            #expect(try site.processes(of: "rack").map(\.pid) == [pid], "the wrapper has become the application")
        }
    }
}
