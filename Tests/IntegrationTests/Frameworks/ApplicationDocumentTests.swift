// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// The pages of docs/applications, typed as they stand there.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and namespaces"), .timeLimit(.minutes(2)))
    struct ApplicationDocumentTests {
        struct Page: Sendable, CustomTestStringConvertible {
            let name: String
            /// What the commands at the end of the page print.
            let expected: [String]
            let isInstalled: Bool

            var testDescription: String { name }
        }

        private static let pages = [
            Page(
                name: "django",
                expected: ["Location: /admin/login/?next=/admin/\r\n", "Content-Type: text/css\r\n"],
                isInstalled: FrameworkSite.hasPython("django")
            ),
            Page(
                name: "flask",
                expected: ["This is http://www.example.com/\n", "Content-Type: text/css\r\n"],
                isInstalled: FrameworkSite.hasPython("flask")
            ),
            Page(
                name: "fastapi",
                expected: [#"{"here":"http://www.example.com/","client":"127.0.0.1"}"#, "url: '/openapi.json'"],
                isInstalled: FrameworkSite.hasPython("fastapi")
            ),
            Page(
                name: "express",
                expected: [#"{"here":"http://www.example.com/","client":"127.0.0.1"}"#],
                isInstalled: FrameworkSite.hasNode("express", "ws")
            ),
        ].filter(\.isInstalled)

        /// The blocks of a page that are marked as of this language.
        private func blocks(_ language: String, in page: Page) throws -> [String] {
            try Repository.text("docs/applications/\(page.name).md").pieces(between: "```\(language)\n").dropFirst()
                .map { String($0.pieces(between: "```\n")[0]) }
        }

        /// In namespaces of its own: it makes a user, writes to /srv, and listens on port 80.
        @Test(arguments: pages)
        func `what the page says works on a fresh machine`(_ page: Page) throws {
            let commands = try blocks("sh", in: page)
            let servers = try blocks("nginx", in: page)
            try #require(commands.count == 2 && servers.count == 1)
            let place = try TestDirectory()
            let socket = place.file("daemon.sock")
            try place.write("http {\npassenger_fly_with \(socket);\n\(servers[0])}\n", to: "front-proxy.conf")
            try place.write(
                """
                set -eu
                mount -t proc proc /proc
                ip link set lo up
                mount -t tmpfs -o mode=755 tmpfs /srv
                cp -a /etc \(place.file("etc"))
                mount --bind \(place.file("etc")) /etc
                # The packages are here, or this page would have been left out.
                apt-get() { :; }
                wait_for() {
                    for i in $(seq 400); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
                    echo "no: $*"; cat \(place.path)/*.log; exit 1
                }
                \(commands[0])
                \(Repository.program("flying-passenger")) --socket-file=\(socket) --log-file=\(place.file("daemon.log")) \
                    --instance-registry-dir=\(place.file("registry")) &
                wait_for grep 'up and listening' \(place.file("daemon.log"))
                \(Repository.program("front-proxy")) --config=\(place.file("front-proxy.conf")) \
                    --log-file=\(place.file("front.log")) --pid-file=\(place.file("front.pid")) &
                wait_for test -s \(place.file("front.pid"))
                \(commands[1])
                """,
                to: "script"
            )
            let outcome = try Shell.run([
                "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private", "bash",
                place.file("script"),
            ])
            #expect(outcome.status == .exited(0), "\(outcome.output)")
            for text in page.expected { #expect(outcome.output.contains(text), "\(text) is not in \(outcome.output)") }
        }
    }
}
