// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Applications that are broken in every way, beside one that is well: each gets the right page and log line, and
    /// nothing of it is left afterwards.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"), .timeLimit(.minutes(3)))
    struct BrokenAppTests {
        @Test func `applications that do not start say why, and their neighbour notices nothing`() throws {
            let place = try Neighbourhood(BrokenApp.starts)
            try place.visitTogether(BrokenApp.starts)
            try place.expectUnharmed()
        }

        @Test func `applications that break in service are replaced, and their neighbour notices nothing`() throws {
            let place = try Neighbourhood(BrokenApp.services)
            for app in BrokenApp.services { try place.visit(app) }
            try place.expectUnharmed()
        }

        @Test func `processes that ignore every request to stop end with the daemon all the same`() throws {
            let stubborn = """
                import os, signal, threading, time
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
                # Python waits for such a thread before it exits.
                threading.Thread(target=time.sleep, args=(600,)).start()
                # One that nobody in the process group would find.
                if os.fork() == 0:
                    os.setsid()
                    time.sleep(600)
                    os._exit(0)

                def application(environ, start_response):
                    start_response("200 OK", [("Content-Type", "text/plain")])
                    return [f"{os.getpid()}\\n".encode()]

                """
            let app = BrokenApp(
                name: "stubborn",
                files: ["passenger_wsgi.py": stubborn],
                visits: [.init(outcome: .answer)]
            )
            let place = try Neighbourhood([app], daemonFlags: ["--shutdown-timeout=1", "--pool-idle-time=60"])
            try place.visit(app)
            try place.expectEndOfDaemon(within: .seconds(10))
        }
    }
}
