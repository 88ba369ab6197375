// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// The port of a generic application, which anybody may take in the moment in which the application does not listen.
    @Suite(.enabled(if: Machine.isRoot, "needs users of their own"), .timeLimit(.minutes(1)))
    struct PortTests {
        /// Listens at its port until it is asked to leave it, and lives on: as a server does that restarts itself.
        private static let app = """
            import os, signal, socket

            listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), reuse_port=False)
            while True:
                connection, _ = listener.accept()
                request = connection.recv(65536)
                if not request:
                    connection.close()
                    continue
                body = f"{os.getpid()} {os.environ['PORT']}\\n".encode()
                leaves = request.startswith(b"GET /leave ")
                if leaves:
                    listener.close()
                head = b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
                connection.sendall(head + body)
                connection.close()
                while leaves:
                    signal.pause()

            """
        /// Takes the port, and says all that it is sent; with "later", it accepts when it gets a signal.
        private static let thief = """
            import select, signal, socket, sys

            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
            print("listening", flush=True)
            select.select([listener], [], [])
            print("connected to", flush=True)
            if sys.argv[2] == "later":
                signal.sigwait([signal.SIGUSR1])
            while True:
                connection, _ = listener.accept()
                try:
                    print("was sent", repr(connection.recv(65536)), flush=True)
                except OSError:
                    print("was sent", repr(b""), flush=True)
                connection.close()

            """

        @Test(arguments: ["at once", "later"])
        func `who takes the port of an application that left it is sent nothing`(_ accepts: String) throws {
            let settings = [
                "passenger_app_start_command \"/usr/bin/python3 app.py\";", "passenger_max_instances 1;",
            ]
            let site = try Site(apps: [.init("port", from: nil, settings: settings)])
            try site.directory.write(Self.app, to: "apps/port/app.py")
            try site.directory.write("", to: "apps/port/public/empty.txt")
            try TestDirectory.give(site.root(of: "port"), to: Machine.appUsers[0])
            let script = try site.directory.write(Self.thief, to: "thief.py")
            try site.startDaemon()
            try site.startFront()
            let before = try site.page("port", "/").text.split { " \n".contains($0) }
            let left = try site.page("port", "/leave").text.split { " \n".contains($0) }
            #expect(left == before)
            let thief = try RunningProgram(
                ["/usr/bin/python3", script, String(before[1]), accepts],
                log: site.directory.file("thief.out"),
                user: Machine.appUsers[1]
            )
            defer { thief.stop() }
            try thief.waitForOutput("listening")
            let response = try site.get("port", "/basket", headers: "Cookie: session=secret\r\n")
            // Another process answers, or nobody; not this one.
            #expect(response.status != 200 || !response.text.hasPrefix(before[0]), "\(response.text)")
            try thief.waitForOutput("connected to")
            if accepts == "later" { try thief.signal(.user1) }
            try thief.waitForOutput("was sent")
            #expect(!thief.output.contains("GET") && !thief.output.contains("secret"), "\(thief.output)")
            let uid = Machine.appUsers[1].uid
            #expect(site.log().contains("port \(before[1]) belongs to uid \(uid)"), "\(site.log().suffix(2000))")
            try eventually("another process at another port") {
                let response = try site.get("port", "/")
                return response.status == 200 && !response.text.hasPrefix(before[0])
            }
        }
    }
}
