// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing
import WireProtocol

extension Integration {
    /// Attackers that send a descriptor with their bytes: whoever reads those closes it, and waits for as long as the sender
    /// has chosen.
    @Suite(.enabled(if: Machine.isRoot, "attackers need users of their own"), .timeLimit(.minutes(1)))
    struct LingeringTests {
        /// Where the kernel cannot refuse them, the wait is cut short.
        @Test(arguments: [nil, "passrights"])
        func `descriptors that take long to close stop neither the daemon nor the front`(without: String?) throws {
            let apps = [Site.App("lingers", from: nil, settings: ["passenger_max_instances 1;"])]
            let fort = try Fort(others: apps, without: without)
            let script = fort.site.directory.file("hostile-peer.py")
            _ = try fort.app("lingers", owner: Machine.appUsers[2], text: Self.app(script))
            // Each event loop of the front keeps a stream of its own.
            for _ in 0..<8 { _ = try fort.site.page("lingers", "/pid") }
            try fort.mark()
            let outcome = without == nil && Machine.canRefuseDescriptors ? "refused" : "sent"
            let start = ContinuousClock.now
            // Anybody at the admin socket; the worker's user before its first frame, and with one.
            let admin = try fort.attack(fort.stranger, socket: try fort.adminSocket, "admin", "linger")
            #expect(admin.last == outcome, "\(admin)")
            let front = try fort.attack(fort.worker, "linger", "control", "linger")
            #expect(front.first == outcome && front.last == outcome, "\(front)")
            // On its control channel, and with its answer, to a front that has the socket.
            #expect(try fort.site.page("lingers", "/control").text == outcome + "\n")
            let answer = try fort.site.get("lingers", "/answer")
            #expect(answer.status == 502 || answer.text.contains("refused") && !answer.text.contains("sent"))
            for _ in 0..<8 { #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid) }
            #expect(try fort.site.status().groups.count == 2)
            // Each of them would take longer than all of this.
            #expect(ContinuousClock.now - start < .seconds(15), "somebody waited for it")
            try fort.stands()
        }

        private static func app(_ script: String) -> String {
            """
            import os, runpy, socket

            send_lingering = runpy.run_path("\(script)")["send_lingering"]
            kept = []

            def send(number):
                peer = socket.socket(fileno=os.dup(number))
                kept.append(send_lingering(peer, b"info nothing\\n" if number == 4 else b"HTTP/1.1 200 OK\\r\\n"))
                return "sent" if kept[-1] else "refused"

            def connections():
                for name in os.listdir("/proc/self/fd"):
                    try:
                        peer = socket.socket(fileno=os.dup(int(name)))
                        peer.getpeername()
                    except OSError:
                        continue
                    if peer.family == socket.AF_UNIX and int(name) > 4:
                        yield int(name)

            def application(environ, start_response):
                path = environ["PATH_INFO"]
                numbers = {"/control": [4], "/answer": list(connections())}.get(path, [])
                text = ", ".join(send(number) for number in numbers) or str(os.getpid())
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [(text + "\\n").encode()]

            """
        }
    }
}
