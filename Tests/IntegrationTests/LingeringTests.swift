// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing
import WireProtocol

extension Integration {
    /// Attackers that send a descriptor with their bytes: whoever reads those closes it, and waits for as long as the sender
    /// has chosen.
    @Suite(
        .enabled(
            if: Machine.isRoot && Machine.canRefuseDescriptors,
            "needs root, and a kernel that refuses descriptors (6.16)"
        ),
        .timeLimit(.minutes(1))
    )
    struct LingeringTests {
        @Test func `descriptors that take long to close stop neither the daemon nor the front`() throws {
            let fort = try Fort(others: [.init("lingers", from: nil, settings: ["passenger_max_instances 1;"])])
            let script = fort.site.directory.file("hostile-peer.py")
            _ = try fort.app("lingers", owner: Machine.appUsers[2], text: Self.app(script))
            _ = try fort.site.page("lingers", "/pid")
            try fort.mark()
            try Self.expectNoDelay(fort) {
                // Anybody at the admin socket; the worker's user before its first frame, and with one.
                let admin = try fort.attack(fort.stranger, socket: try fort.adminSocket, "admin", "linger")
                #expect(admin.last == "refused", "\(admin)")
                let front = try fort.attack(fort.worker, "linger", "control", "linger")
                #expect(front.first == "refused" && front.last == "refused", "\(front)")
                // On its control channel, while the watcher has other things to do.
                #expect(try fort.site.page("lingers", "/control").text == "refused\n")
                // With its answer: both to a front that has the socket and to a daemon that copies.
                let answer = try fort.site.page("lingers", "/answer").text
                #expect(answer.contains("refused") && !answer.contains("sent"), "\(answer)")
            }
            try fort.stands()
        }

        /// What is attacked takes far longer than this if it takes anything.
        private static func expectNoDelay(_ fort: Fort, _ attack: () throws -> Void) throws {
            let start = ContinuousClock.now
            try attack()
            for _ in 0..<8 { #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid) }
            #expect(try fort.site.status().groups.count == 2)
            #expect(ContinuousClock.now - start < .seconds(15), "somebody waited for it")
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
