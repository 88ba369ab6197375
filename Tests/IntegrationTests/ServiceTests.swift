// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Unit files and service directories, used as they are.
    @Suite(.timeLimit(.minutes(2)))
    struct ServiceTests {
        @Test(.enabled(if: Machine.has("systemd-analyze"), "needs systemd"))
        func `systemd accepts the units`() throws {
            let place = try TestDirectory()
            for unit in ["flying-passenger.service", "front-proxy.service", "front-proxy.socket"] {
                // The programs are where they were built, not in /usr/bin.
                let text = try Repository.text("systemd/\(unit)").replacing(
                    "/usr/bin/",
                    with: Repository.programs + "/"
                )
                try place.write(text, to: unit)
            }
            for unit in ["flying-passenger.service", "front-proxy.service", "front-proxy.socket"] {
                let outcome = try Shell.run(["systemd-analyze", "verify", "--man=no", place.file(unit)])
                #expect(outcome.status == .exited(0) && outcome.output == "", "\(unit): \(outcome.output)")
            }
        }

        @Test func `the front's unit does not bind its life to the daemon's`() throws {
            let unit = try Repository.text("systemd/front-proxy.service")
            let lines = unit.split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(lines.contains { $0.hasPrefix("Wants=flying-passenger.service") })
            #expect(
                !lines.contains { $0.hasPrefix("Requires=") || $0.hasPrefix("PartOf=") || $0.hasPrefix("BindsTo=") }
            )
        }

        @Test func `every directive of a unit has its reason above it`() throws {
            for unit in ["flying-passenger.service", "front-proxy.service"] {
                let lines = try Repository.text("systemd/\(unit)").split(
                    separator: "\n",
                    omittingEmptySubsequences: false
                )
                guard let service = lines.firstIndex(of: "[Service]") else { continue }
                for (line, above) in zip(lines[(service + 1)...], lines[service...])
                where line.contains("=") && !line.hasPrefix("#") && above.isEmpty {
                    Issue.record("\(unit): \(line) has no reason")
                }
            }
        }

        /// In namespaces of its own: the service directory uses /run and /var/log of the machine.
        ///
        /// Also with the path that Passenger's own guide has.
        @Test(
            .enabled(if: Machine.canUnshare && Machine.has("runsv") && Machine.has("sv"), "needs root and runit"),
            arguments: [
                ("runit", "/run/flying-passenger/daemon.sock"), ("daemontools", "/run/flying-passenger/daemon.sock"),
                ("runit", "/var/run/flying-passenger.sock"),
            ]
        )
        func `runit starts, restarts and stops the daemon by the service directory of the examples`(
            _ kind: String,
            _ socket: String
        ) throws {
            let place = try TestDirectory()
            let script = """
                set -eu
                mount -t proc proc /proc
                mount -t tmpfs -o mode=755 tmpfs /run
                mount -t tmpfs -o mode=755 tmpfs /var/log
                cp -r \(Repository.root)/examples/\(kind)/flying-passenger \(place.file("service"))
                sed -i 's|/run/flying-passenger/daemon.sock|\(socket)|' \(place.file("service"))/run
                export PATH=\(Repository.programs):$PATH
                wait_for() { for i in $(seq 400); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done; echo "no: $*"; cat /var/log/flying-passenger.log; exit 1; }
                up() { [ "$(grep -c 'up and listening' /var/log/flying-passenger.log)" = "$1" ]; }
                runsv \(place.file("service")) &
                wait_for up 1
                [ -S \(socket) ]
                first=$(cat /run/flying-passenger.pid)
                kill -KILL $first
                wait_for up 2
                second=$(cat /run/flying-passenger.pid)
                [ $first != $second ]
                sv -w 30 down \(place.file("service"))
                [ ! -e \(socket) ]
                [ ! -e /run/flying-passenger.pid ]
                echo done
                """
            let outcome = try Shell.run([
                "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "bash", "-c",
                script,
            ])
            #expect(outcome.status == .exited(0), "\(outcome.output)")
            #expect(outcome.output.hasSuffix("done\n"), "\(outcome.output)")
        }
    }
}
