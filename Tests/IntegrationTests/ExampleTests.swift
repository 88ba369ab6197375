// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// The folders of `examples`, typed as their READMEs say.
    @Suite struct ExampleTests {
        struct Example: Sendable, CustomTestStringConvertible {
            let name: String
            var isInstalled = true
            /// Parts of what the commands print, in their order.
            let expected: [String]

            var testDescription: String { name }
        }

        private static let examples = [
            // First, because it does nothing while a full pool has no room for a second process.
            Example(
                name: "out-of-band-gc",
                expected: ["app: out-of-band-gc\n", "HTTP/1.1 200 OK", "app: out-of-band-gc\n"]
            ),
            Example(
                name: "asgi",
                expected: [
                    "app: asgi\nuser: games\n", "data: 1\n\ndata: 2\n", "HTTP/1.1 101 Switching Protocols",
                    "app: asgi\nuser: games\n",
                ]
            ),
            Example(name: "threads", expected: ["most at a time: 5\n"]),
            Example(
                name: "sub-uri",
                expected: [
                    "app: site\npath info: /\n", "app: blog, script name: /blog, path info: /posts/2030/flying",
                    "app: notes\nscript name: /notes\npath info: /today\n", "body { font-family",
                    "A file of the notes.",
                ]
            ),
            Example(
                name: "setup-load-paths",
                expected: [
                    "greeting: Hello, world!\nbundler: not loaded", "500 Internal Server Error",
                    "the gem greeting (~> 9.1), which /srv/examples/setup-load-paths/Gemfile names, is not installed",
                    "greeting: Hello, world!\nbundler: not loaded",
                ]
            ),
            Example(
                name: "always-restart",
                expected: ["first", "second", "second", "second", "second", "third"].map { "page: \($0)\n" }
            ),
            Example(
                name: "action-cable",
                isInstalled: hasRails && FrameworkSite.hasNode("ws"),
                expected: ["<title>Chat</title>", "visitor hears: Hello!\n", "visitor hears: Hello!\n"]
            ),
            Example(
                name: "smart-spawning",
                isInstalled: hasRails,
                expected: [
                    "words: 600000\nticker: runs\n", "AppPreloader: /srv/examples/smart-spawning", "Saved by sharing: ",
                ]
            ),
            Example(
                name: "refork",
                expected: [
                    "app: refork\n", "catalog made by: ", "app: refork\n", "catalog made by: ", "Generation: 1\n",
                ]
            ),
            Example(
                name: "capistrano-3",
                isInstalled: Machine.has("cap") && Machine.has("git"),
                expected: ["version: 1\n", "version: 2\n", "version: 1\n"]
            ),
        ].filter(\.isInstalled)

        /// In namespaces of their own: the commands make a user, write to /srv and /home, and use port 8080 of the machine.
        @Test(
            .enabled(if: Machine.canUnshare && Integration.hasRuby, "needs root, namespaces of its own and ruby"),
            .timeLimit(.minutes(4))
        )
        func `each example does what its README says`() throws {
            let place = try TestDirectory()
            let outcome = try Shell.run(
                [
                    "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private",
                    "bash",
                    try place.write(try Self.script(in: place), to: "script"),
                ],
                within: .seconds(200)
            )
            let outputs = outcome.output.pieces(between: "=== ").map(String.init)
            #expect(outcome.status == .exited(0) && outputs.count == Self.examples.count + 2, "\(outcome.output)")
            for example in Self.examples {
                let output = try #require(outputs.first { $0.hasPrefix("\(example.name)\n") }, "\(outcome.output)")
                var rest = output[...]
                for text in example.expected {
                    let pieces = rest.split(separator: text, maxSplits: 1, omittingEmptySubsequences: false)
                    #expect(pieces.count == 2, "\(text) is missing, or too early, in \(output)")
                    rest = pieces.last ?? ""
                }
            }
            func values(_ name: String, of example: String) -> [String] {
                let output = outputs.first { $0.hasPrefix("\(example)\n") } ?? ""
                return output.pieces(between: "\n\(name): ").dropFirst().map { String($0.prefix { $0 != "\n" }) }
            }
            let pids = values("pid", of: "always-restart")
            if pids.count == 6 {
                #expect(Set(pids[0...2]).count == 3 && Set(pids[2...4]).count == 1 && pids[5] != pids[4], "\(pids)")
            }
            let loaders = Set(values("loaded by", of: "smart-spawning"))
            let forked = Set(values("pid", of: "smart-spawning"))
            if !forked.isEmpty {
                #expect(
                    loaders.count == 1 && forked.count > 1 && forked.isDisjoint(with: loaders),
                    "\(forked), \(loaders)"
                )
            }
            let makers = values("catalog made by", of: "refork")
            let askers = values("pid", of: "refork")
            if let maker = makers.last {
                #expect(maker != askers.last && makers.dropLast().contains(maker), "\(makers)")
            }
            // On a slow machine not before the second process is up, which may be after these requests.
            #expect(values("garbage collections", of: "out-of-band-gc").count == 14)
            #expect(outcome.output.contains("output: out-of-band work in process "))
            #expect(outcome.output.contains("output: 1 pages were asked for"))
            let threads = values("thread", of: "threads")
            #expect(threads.count == 5 && Set(threads).count == 5 && Set(values("pid", of: "threads")).count == 1)
            let releases = values("release", of: "capistrano-3")
            if releases.count == 3 { #expect(releases[0] != releases[1] && releases[0] == releases[2], "\(releases)") }
            #expect(values("user", of: "capistrano-3").allSatisfy { $0 == "deploy" })
        }

        /// The blocks of a README that are marked as shell commands.
        private static func commands(of folder: String) throws -> String {
            try Repository.text("examples/\(folder)README.md").pieces(between: "```sh\n").dropFirst()
                .map { $0.pieces(between: "```\n")[0] }
                .joined(separator: folder == "capistrano-3/" ? reading : "")
        }

        /// Who reads between two blocks takes longer than this; Capistrano names releases by the second.
        private static let reading = "sleep 1\n"

        private static func script(in place: TestDirectory) throws -> String {
            try """
            set -eu
            mount -t proc proc /proc
            ip link set lo up
            # This checkout may itself lie below what is hidden next.
            mkdir \(place.file("checkout")) \(place.file("programs"))
            mount --bind \(Repository.root) \(place.file("checkout"))
            mount --bind \(Repository.programs) \(place.file("programs"))
            cp -a /etc \(place.file("etc"))
            mount --bind \(place.file("etc")) /etc
            for directory in /srv /home /run /var/log; do mount -t tmpfs -o mode=755 tmpfs $directory; done
            cd \(place.file("checkout"))
            export PATH=\(place.file("programs")):$PATH
            # The packages are here, or this example would have been left out.
            apt-get() { :; }
            wait_for() {
                for i in $(seq 1200); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
                echo "no: $*"; exit 1
            }
            curl() {
                [ "${up:-}" ] || wait_for command curl --silent --fail http://rack.localhost:8080/about.txt; up=1
                command curl --silent --show-error "$@"
            }
            \(commands(of: ""))
            \(examples.map { "echo; echo '=== \($0.name)'\n\(try commands(of: "\($0.name)/"))" }.joined(separator: "\n"))
            echo; echo '=== end'
            """
        }

        /// Debian has no Capistrano 2; what stands in for it knows the words that recipes use.
        @Test(.enabled(if: Integration.hasRuby, "needs ruby"))
        func `the recipe for Capistrano 2 touches the restart file to start and to restart, and not to stop`() throws {
            let place = try TestDirectory()
            let release = place.file("releases/1")
            try Files.makeDirectories(release)
            func deploy(_ tasks: String...) throws -> String {
                let outcome = try Shell.run(
                    ["ruby", "\(Repository.root)/Tests/IntegrationTests/Scripts/capistrano-2.rb"]
                        + ["\(Repository.root)/examples/capistrano-2", release] + tasks.map { "deploy:\($0)" }
                )
                #expect(outcome.status == .exited(0), "\(outcome.output)")
                return outcome.output
            }
            let settings = try deploy("stop")
            for line in [
                "application shop", "domain shop.example.com", "use_sudo false", "scm git", "deploy_to /srv/shop",
                "repository git@example.com:shop.git", "role app shop.example.com", "role web shop.example.com",
                "role db shop.example.com",
            ] {
                #expect(settings.contains("\(line)\n"), "\(line) is not in \(settings)")
            }
            #expect(!TestFile.exists("\(release)/tmp/restart.txt"))
            for task in ["start", "restart"] {
                _ = try deploy(task)
                #expect(TestFile.exists("\(release)/tmp/restart.txt"), "\(task)")
                try Files.removeTree("\(release)/tmp")
            }
        }
    }
}
