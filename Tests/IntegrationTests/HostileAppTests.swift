// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// An application that turned against the daemon, the front and its neighbours.
    @Suite(.enabled(if: Machine.isRoot, "attackers need users of their own"), .timeLimit(.minutes(1)))
    struct HostileAppTests {
        @Test func `a hostile application reaches neither processes nor sockets of others`() throws {
            let fort = try Fort(others: [.init("hostile", from: nil), .init("second", from: nil)])
            for name in ["hostile", "second"] {
                _ = try fort.app(name, owner: Machine.appUsers[2], text: Self.hostileApp)
            }
            _ = try fort.site.page("hostile", "/pid")
            // Of the same user, but that is all it may do: see, and end, what runs as the same user anyway.
            let own = try #require(try fort.site.page("second", "/pid").pid)
            let watchdog = try #require(fort.site.daemon).pid
            let front = try #require(fort.site.front).pid
            let victims = try [watchdog, fort.core, fort.pid, front] + fort.site.workerPIDs()
            for victim in victims {
                let page = try fort.site.page("hostile", "/processes?\(victim)").text
                let lines = page.split(separator: "\n")
                #expect(lines.count == 8, "\(page)")
                for line in lines { #expect(line.hasSuffix(": denied"), "\(victim) \(line)") }
            }
            #expect(try fort.site.page("hostile", "/reach?\(own)").text == "kill: GRANTED\n")

            let registry = fort.site.directory.file("registry")
            let instance = try #require(TestFile.names(in: registry).first.map { "\(registry)/\($0)" })
            let sockets = TestFile.tree(instance).map { "\(instance)/\($0)" }.filter {
                (try? FileStatus(path: $0))?.kind == .socket && !$0.hasSuffix("/admin.sock")
            }
            #expect(sockets.count >= 3, "\(TestFile.tree(instance))")
            for socket in sockets {
                let text = try fort.site.page("hostile", "/socket?\(socket)").text
                #expect(text == "PermissionError\n", "\(socket): \(text)")
            }
            // The daemon's own socket is open to everybody here: it closes before it has read a byte.
            #expect(try fort.site.page("hostile", "/socket?\(fort.site.socket)").text == "connected, closed\n")
            #expect(try fort.site.page("hostile", "/status?\(fort.adminSocket)").text.contains("hostile"))
            let status = try fort.site.page("hostile", "/status?\(fort.adminSocket)").text
            #expect(!status.contains(fort.site.root(of: "wsgi")), "\(status)")
            for path in TestFile.tree(instance).filter({ !$0.hasSuffix(".sock") }) where !path.hasPrefix("loaders") {
                let kind = try fort.site.page("hostile", "/write?\(instance)/\(path)").text
                #expect(kind == "PermissionError\n", "\(path): \(kind)")
            }
            try fort.mark()
            try fort.stands()
        }

        @Test func `an application that stops itself costs its own requests only`() throws {
            let fort = try Fort(others: [
                .init(
                    "stopping",
                    from: nil,
                    settings: ["passenger_max_instances 1;", "passenger_max_request_time 2;"]
                ),
                .init("stopped", from: nil, settings: ["passenger_start_timeout 2;"]),
            ])
            _ = try fort.app("stopping", owner: Machine.appUsers[2], text: Self.hostileApp)
            _ = try fort.app(
                "stopped",
                owner: Machine.appUsers[3],
                text: "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n"
            )
            // Each event loop of the front gets a stream of its own.
            for _ in 0..<8 { _ = try fort.site.page("stopping", "/pid") }
            let before = try fort.site.page("stopping", "/pid").pid
            try fort.mark()
            let hanging = try HTTPConnection(port: fort.site.port)
            try hanging.send("GET /stop HTTP/1.1\r\nHost: stopping.localhost\r\n\r\n")
            let starting = try HTTPConnection(port: fort.site.port)
            try starting.send("GET / HTTP/1.1\r\nHost: stopped.localhost\r\n\r\n")
            let start = ContinuousClock.now
            for _ in 0..<50 { #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid) }
            #expect(ContinuousClock.now - start < .seconds(2), "others had to wait")
            // The daemon ends what does not answer, stopped or not.
            #expect(try [502, 504].contains(hanging.readResponse().status))
            #expect(try starting.readResponse().status == 500)
            try eventually("another process") { try fort.site.get("stopping", "/pid").status == 200 }
            #expect(try fort.site.page("stopping", "/pid").pid != before)
            #expect(fort.site.log().contains("max_request_time"))
            try fort.stands()
        }

        @Test func `an application whose processes never end has not ever more of them by restarts`() throws {
            let fort = try Fort(others: [.init("stays", from: nil, settings: ["passenger_max_instances 1;"])])
            let text = """
                import atexit, os, time

                atexit.register(time.sleep, 1000)

                def application(environ, start_response):
                    start_response("200 OK", [("Content-Type", "text/plain")])
                    return [b"%d\\n" % os.getpid()]

                """
            _ = try fort.app("stays", owner: Machine.appUsers[2], text: text)
            _ = try fort.site.page("stays", "/pid")
            try fort.site.directory.write("", to: "apps/stays/tmp/always_restart.txt")
            let pids = Set(try (1...5).map { _ in try #require(try fort.site.page("stays", "/pid").pid) })
            #expect(pids.count == 5)
            try eventually("the first of those that were told to end to be killed") {
                pids.count(where: ProcessFacts.isRunning) <= 3
            }
            #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid && fort.site.corePID() == fort.core)
            // The daemon would wait for them a minute.
            for pid in pids { _ = try? ProcessHandle(pid: pid).signal(.kill) }
        }

        @Test func `the keys of the session that the daemon was started in are no application's`() throws {
            let site = try Site(
                apps: [.init("keys", from: nil)],
                httpSettings: ["passenger_load_shell_envvars off;"]
            )
            try site.directory.write(Self.keys, to: "keys.py")
            let wrapper = ["/usr/bin/python3", site.directory.file("keys.py")]
            let own = try Shell.run(
                wrapper + ["/usr/bin/python3", "-c", "import keys; print(keys.find())"],
                in: site.directory.path
            )
            #expect(own.output == "the secret of root\n", "the attack does not work where it should: \(own.output)")
            let text = """
                import sys

                sys.path.insert(0, "\(site.directory.path)")
                import keys

                def application(environ, start_response):
                    start_response("200 OK", [("Content-Type", "text/plain")])
                    return [keys.find().encode()]

                """
            try site.directory.write(text, to: "apps/keys/passenger_wsgi.py")
            try TestDirectory.give(site.directory.file("apps/keys"), to: Machine.appUsers[2])
            site.daemonWrapper = wrapper
            try site.startDaemon()
            try site.startFront()
            #expect(try site.page("keys").text == "nothing")
        }

        /// As a program, starts another one in a session keyring with a key in it; `find` looks for that key (keyctl(2)).
        private static let keys = """
            import ctypes, os, sys

            libc = ctypes.CDLL(None)
            ADD_KEY, KEYCTL = (248, 250) if os.uname().machine == "x86_64" else (217, 219)
            JOIN, SEARCH, READ, SESSION = 1, 10, 11, -3

            def find():
                text = ctypes.create_string_buffer(100)
                key = libc.syscall(KEYCTL, SEARCH, SESSION, b"user", b"fp-secret", 0)
                length = libc.syscall(KEYCTL, READ, key, text, 100) if key > 0 else 0
                return text.raw[:length].decode() if length > 0 else "nothing"

            if __name__ == "__main__":
                libc.syscall(KEYCTL, JOIN, b"fp-test")
                libc.syscall(ADD_KEY, b"user", b"fp-secret", b"the secret of root", 18, SESSION)
                os.execvp(sys.argv[1], sys.argv[1:])

            """

        /// Between the drop and the program, whoever runs as the same user may stop the helper.
        @Test func `an application that stops every process of its user holds up that user's starts only`() throws {
            let fort = try Fort(others: [
                .init("hunter", from: nil, settings: ["passenger_max_instances 1;"]),
                .init("prey", from: nil, settings: ["passenger_start_timeout 2;", "passenger_max_instances 1;"]),
                .init("late", from: "wsgi", owner: Machine.appUsers[3]),
            ])
            for name in ["hunter", "prey"] {
                _ = try fort.app(name, owner: Machine.appUsers[2], text: Self.hostileApp)
            }
            _ = try fort.site.page("hunter", "/hunt")
            let starting = try HTTPConnection(port: fort.site.port)
            try starting.send("GET /pid HTTP/1.1\r\nHost: prey.localhost\r\n\r\n")
            let start = ContinuousClock.now
            for _ in 0..<20 { #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid) }
            _ = try fort.site.page("late")
            #expect(ContinuousClock.now - start < .seconds(5), "others had to wait")
            let failed = try starting.readResponse()
            #expect(failed.status == 500, "nothing was stopped: \(failed.text)")
            #expect(try fort.site.page("hunter", "/calm").text == "done\n")
            try eventually("the prey to start") { try fort.site.get("prey", "/pid").status == 200 }
            try fort.mark()
            try fort.stands()
        }

        /// Answers what came of each deed.
        private static let hostileApp = """
            import ctypes, json, os, resource, signal, socket, struct, threading

            libc = ctypes.CDLL(None, use_errno=True)

            def attempt(name, deed):
                try:
                    deed()
                    return f"{name}: GRANTED"
                except (PermissionError, ProcessLookupError):
                    return f"{name}: denied"
                except OSError as error:
                    return f"{name}: {error!r}"

            def attach(pid):
                if libc.ptrace(16, pid, None, None) != 0:
                    raise OSError(ctypes.get_errno(), "ptrace")

            def processes(pid):
                yield attempt("kill", lambda: os.kill(pid, 0))
                yield attempt("stop", lambda: os.kill(pid, signal.SIGCONT))
                yield attempt("attach", lambda: attach(pid))
                yield attempt("memory", lambda: open(f"/proc/{pid}/mem", "r+b"))
                yield attempt("environment", lambda: open(f"/proc/{pid}/environ").read())
                yield attempt("descriptors", lambda: os.listdir(f"/proc/{pid}/fd"))
                yield attempt("root", lambda: os.listdir(f"/proc/{pid}/root/"))
                yield attempt("limits", lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (10, 10)))

            def connect(path):
                peer = socket.socket(socket.AF_UNIX)
                peer.settimeout(5)
                try:
                    peer.connect(path)
                except OSError as error:
                    return type(error).__name__
                try:
                    return "connected, " + ("answered" if peer.recv(100) else "closed")
                except ConnectionResetError:
                    return "connected, closed"

            def write(path):
                try:
                    open(path, "ab").close()
                    return "GRANTED"
                except OSError as error:
                    return type(error).__name__

            def frame(kind, payload):
                return struct.pack("!IB", len(payload) + 1, kind) + payload

            def status(path):
                peer = socket.socket(socket.AF_UNIX)
                peer.settimeout(5)
                peer.connect(path)
                hello = struct.pack("!IHH", 0x464C5950, 1, 0) + struct.pack("!I", 1) + b"x"
                hello += struct.pack("!BQ", 3, 0) + struct.pack("!I", 0) + b"\\0\\0"
                peer.sendall(frame(1, hello) + frame(0x60, struct.pack("!Q", 1) + b'{"command":"status"}'))
                data = b""
                while b"\\"groups\\"" not in data or not data.endswith(b"}"):
                    part = peer.recv(65536)
                    if not part:
                        break
                    data += part
                return data.decode("utf-8", "replace")

            hunting = threading.Event()

            def hunt():
                # Whatever new process may be stopped; the kernel says which number it gave out last.
                recent = []
                while hunting.is_set():
                    with open("/proc/loadavg") as file:
                        newest = int(file.read().split()[4])
                    if not recent or newest > recent[-1]:
                        recent = (recent + list(range(max(newest - 20, (recent or [0])[-1] + 1), newest + 1)))[-40:]
                    for pid in recent:
                        try:
                            # A thread's number would stop this very process.
                            if not os.path.exists(f"/proc/self/task/{pid}"):
                                os.kill(pid, signal.SIGSTOP)
                        except OSError:
                            pass

            def set_hunting(wanted):
                if wanted:
                    hunting.set()
                    threading.Thread(target=hunt, daemon=True).start()
                else:
                    hunting.clear()
                return "done"

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
                if path == "/stop":
                    os.kill(os.getpid(), signal.SIGSTOP)
                deeds = {
                    "/processes": lambda: "\\n".join(processes(int(query))),
                    "/hunt": lambda: set_hunting(True),
                    "/calm": lambda: set_hunting(False),
                    "/reach": lambda: attempt("kill", lambda: os.kill(int(query), 0)),
                    "/socket": lambda: connect(query),
                    "/status": lambda: status(query),
                    "/write": lambda: write(query),
                }
                return [(deeds.get(path, lambda: str(os.getpid()))() + "\\n").encode()]

            """
    }
}
