// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// What `make install` leaves behind works from where it lies.
    @Suite(.timeLimit(.minutes(1)))
    struct InstallTests {
        @Test func `installed programs find their helper and serve an application`() throws {
            let place = try TestDirectory()
            let prefix = place.file("usr")
            let install = try Shell.run(
                [
                    "\(Repository.root)/scripts/install-files", Repository.programs, "flying-passenger", "front-proxy",
                    "passenger-status", "passenger-memory-stats", "passenger-config",
                ],
                environment: ["PREFIX": prefix, "SYSCONFDIR": place.file("etc")]
            )
            #expect(install.status == .exited(0), "\(install.output)")
            for file in [
                "usr/bin/flying-passenger", "usr/bin/front-proxy", "usr/bin/passenger-status",
                "usr/bin/passenger-memory-stats", "usr/bin/passenger-config",
                "usr/libexec/flying-passenger/flying-passenger-exec", "usr/lib/systemd/system/flying-passenger.service",
                "usr/lib/systemd/system/front-proxy.socket", "usr/share/doc/flying-passenger/README.md",
                "usr/share/doc/flying-passenger/examples/rack/config.ru", "etc/flying-passenger/front-proxy.conf",
            ] {
                #expect(Files.exists(place.file(file)), "\(file)")
            }
            let unit = try TestFile.text("\(prefix)/lib/systemd/system/front-proxy.service")
            #expect(
                unit.contains("ExecStart=\(prefix)/bin/front-proxy --config=\(place.file("etc"))/flying-passenger/")
            )

            let test = try Shell.run([
                "\(prefix)/bin/front-proxy", "--test-config",
                "--config=\(place.file("etc/flying-passenger/front-proxy.conf"))",
            ])
            #expect(test.status == .exited(0), "\(test.output)")

            let site = try Site(
                apps: [.init("wsgi", from: "wsgi", owner: Integration.owner(0))],
                programs: "\(prefix)/bin"
            )
            try site.startDaemon()
            try site.startFront()
            #expect(try site.page("wsgi").status == 200)
        }

        @Test func `uninstalling leaves what was there before, and a changed configuration`() throws {
            let place = try TestDirectory()
            let prefix = place.file("usr")
            let environment = ["PREFIX": prefix, "SYSCONFDIR": place.file("etc")]
            try Self.expectSuccess(["mkdir", "-p", "\(prefix)/bin", "\(prefix)/share/doc/flying-passenger"])
            try Self.expectSuccess(["touch", "\(prefix)/bin/other", "\(prefix)/share/doc/flying-passenger/notes"])
            let script = "\(Repository.root)/scripts/install-files"
            let install = [
                script, Repository.programs, "flying-passenger", "front-proxy", "passenger-status",
                "passenger-memory-stats", "passenger-config",
            ]
            // Twice: an upgrade over what is there.
            try Self.expectSuccess(install, environment)
            try Self.expectSuccess(install, environment)
            try Self.expectSuccess([script, "--uninstall"], environment)
            #expect(try Self.files(below: place.path) == ["usr/bin/other", "usr/share/doc/flying-passenger/notes"])

            try Self.expectSuccess(install, environment)
            let configuration = place.file("etc/flying-passenger/front-proxy.conf")
            try Self.expectSuccess(["sh", "-c", "echo '# mine' >> \(configuration)"])
            try Self.expectSuccess([script, "--uninstall"], environment)
            #expect(Files.exists(configuration))
            #expect(try Shell.run([script, "--uninstall"], environment: environment).status == .exited(1))
        }

        private static func expectSuccess(_ command: [String], _ environment: [String: String] = [:]) throws {
            let run = try Shell.run(command, environment: environment)
            #expect(run.status == .exited(0), "\(command): \(run.output)")
        }

        private static func files(below directory: String) throws -> [String] {
            let found = try Shell.run(["sh", "-c", "cd \(directory) && find . -type f | sed 's|^./||' | sort"])
            return found.output.split(separator: "\n").map(String.init)
        }
    }
}
