// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// The units of systemd/ under the machine's own systemd, booted in namespaces of its own.
    @Suite(.timeLimit(.minutes(2)))
    struct SystemdTests {
        private static let box = "\(Repository.root)/Tests/IntegrationTests/Scripts/systemd-box"

        /// Whether systemd can be booted here, found out by doing it.
        static let canBoot: Bool = {
            guard Machine.canUnshare, Machine.has("nsenter"), Files.exists("/lib/systemd/systemd") else { return false }
            return (try? run("true", units: [:]))?.status.isSuccess ?? false
        }()

        private static func run(_ script: String, units: [String: String], files: [String: String] = [:]) throws
            -> Shell.Outcome
        {
            let place = try TestDirectory()
            try Files.makeDirectories(place.file("units"))
            for (name, text) in units { try place.write(text, to: "units/\(name)") }
            for (name, text) in files { try place.write(text, to: name) }
            // /tmp and mounted directories of this machine are not there inside.
            try Files.makeDirectories(place.file("bin"))
            let programs = ["flying-passenger", "front-proxy", "passenger-status", "flying-passenger-exec"]
            _ = try Shell.run(["cp"] + programs.map(Repository.program) + [place.file("bin")])
            try place.write("set -eu\n" + script, to: "test.sh")
            return try Shell.run([box, place.path], within: .seconds(90))
        }

        @Test(.enabled(if: Self.canBoot, "systemd cannot be booted in namespaces here"))
        func `front and daemon live apart, reload and restart keep the application, crashes are mended`() throws {
            var units: [String: String] = [:]
            for unit in ["flying-passenger.service", "front-proxy.service", "front-proxy.socket"] {
                units[unit] = try Repository.text("systemd/\(unit)")
            }
            let configuration = """
                http {
                    passenger_fly_with /run/flying-passenger/daemon.sock;
                    passenger_python /usr/bin/python3;
                    server { listen 80; server_name localhost; root /srv/app/public; passenger_enabled on; }
                }

                """
            let script = """
                mkdir -p /srv/app/public /etc/flying-passenger
                cp /box/passenger_wsgi.py /srv/app/
                chown -R games: /srv/app
                cp /box/front-proxy.conf /etc/flying-passenger/
                cp /box/bin/* /usr/bin/
                page() { curl -sS --fail --max-time 20 --retry 40 --retry-delay 0 --retry-connrefused http://localhost/pid; }
                main() { systemctl show -P MainPID $1; }
                restarted() {
                    for _ in $(seq 100); do
                        [ "$(main $1)" != $2 ] && [ "$(systemctl is-active $1)" = active ] && return
                        sleep 0.1
                    done
                    fail "$1 was not restarted"
                }
                fail() { echo "FAILED: $*"; systemctl status --no-pager -l flying-passenger front-proxy || true; journalctl --no-pager -n 60; exit 1; }
                trap 'fail "line $LINENO"' ERR

                systemctl start flying-passenger front-proxy
                [ "$(systemctl is-active flying-passenger front-proxy | sort -u)" = active ] || fail start
                first=$(page)
                [ "$(ps -o user= -p $first)" = games ] || fail user

                systemctl restart front-proxy
                [ "$(page)" = "$first" ] || fail "restart of the front"
                systemctl reload front-proxy
                [ "$(page)" = "$first" ] || fail "reload of the front"

                systemctl stop flying-passenger
                [ "$(systemctl is-active front-proxy)" = active ] || fail "the front went with the daemon"
                kill -0 $first 2>/dev/null && fail "the application outlived the daemon"
                systemctl start flying-passenger
                second=$(page)
                [ "$second" != "$first" ] || fail "daemon restarted"

                old=$(main front-proxy)
                kill -KILL $old
                # Its worker may have taken a connection before it went too: only a new front has to answer.
                restarted front-proxy $old
                [ "$(page)" = "$second" ] || fail "crash of the front"
                old=$(main flying-passenger)
                kill -KILL $old
                restarted flying-passenger $old
                third=$(page)
                [ "$third" != "$second" ] && [ "$(main flying-passenger)" != "$old" ] || fail "crash of the daemon"

                systemctl stop front-proxy
                systemctl start front-proxy.socket
                systemctl start front-proxy
                [ "$(page)" = "$third" ] || fail "socket activation"
                systemctl stop front-proxy
                (sleep 0.3; systemctl start front-proxy) &
                [ "$(page)" = "$third" ] || fail "a connection that waited for the front"

                systemctl stop front-proxy front-proxy.socket flying-passenger
                [ -z "$(systemctl list-units --failed --no-legend)" ] || fail "failed units"
                pgrep -u games && fail "processes are left"
                echo everything as it should be
                """
            let files = [
                "front-proxy.conf": configuration,
                "passenger_wsgi.py": try Repository.text("Tests/IntegrationTests/Apps/wsgi/passenger_wsgi.py"),
            ]
            let outcome = try Self.run(script, units: units, files: files)
            #expect(outcome.output.contains("everything as it should be\n"), "\(outcome.output.suffix(6000))")
        }

        /// What systemd is asked for; whether the kernel heeds it is tried in a virtual machine (`make test-vm`).
        @Test(.enabled(if: Self.canBoot, "systemd cannot be booted in namespaces here"))
        func `applications with limits are in scopes that go with them, and their unit can be restarted`() throws {
            let configuration = """
                http {
                    passenger_fly_with /run/flying-passenger/daemon.sock;
                    passenger_python /usr/bin/python3;
                    passenger_load_shell_envvars off;
                    passenger_memory_max 96m;
                    passenger_pids_max 40;
                    server { listen 80; server_name localhost; root /srv/app/public; passenger_enabled on; }
                }

                """
            let script = """
                mkdir -p /srv/app/public /etc/flying-passenger
                cp /box/passenger_wsgi.py /srv/app/
                chown -R games: /srv/app
                cp /box/front-proxy.conf /etc/flying-passenger/
                cp /box/bin/* /usr/bin/
                page() { curl -sS --fail --max-time 20 --retry 40 --retry-delay 0 --retry-connrefused http://localhost/pid; }
                fail() { echo "FAILED: $*"; systemctl list-units --no-pager 'flyingpassenger*' || true; journalctl --no-pager -n 60; exit 1; }
                trap 'fail "line $LINENO"' ERR
                scope() { sed -n 's/^0:://p' /proc/$1/cgroup; }
                units() { systemctl list-units --no-legend --plain 'flyingpassenger*' | wc -l; }
                gone() { for _ in $(seq 100); do [ "$(units)" = "$1" ] && return; sleep 0.1; done; fail "units: $(units), not $1"; }
                check() {
                    case $(scope $1) in
                        /flyingpassenger.slice/*.slice/*.slice/*.scope) ;;
                        *) fail "the process is in $(scope $1)" ;;
                    esac
                    slice=$(basename "$(dirname "$(scope $1)")")
                    [ "$(systemctl show -P MemoryMax,MemoryHigh,MemorySwapMax,TasksMax --value $slice | xargs)" = \
                        "$((90 << 20)) $((96 << 20)) 0 40" ] || fail "$(systemctl show $slice | grep -E 'Max|High')"
                }

                systemctl start flying-passenger front-proxy
                first=$(page)
                check $first
                # The slice of all, that of the instance, that of the application, and the scope of the process.
                [ "$(units)" = 4 ] || fail "$(units) units"
                kill -KILL $first
                second=$(page)
                check $second
                gone 4

                systemctl restart flying-passenger
                third=$(page)
                check $third
                gone 4
                old=$(systemctl show -P MainPID flying-passenger)
                kill -KILL $old
                for _ in $(seq 100); do [ "$(systemctl show -P MainPID flying-passenger)" != $old ] && break; sleep 0.1; done
                fourth=$(page)
                check $fourth
                [ "$fourth" != "$third" ] || fail "the application outlived its daemon"

                systemctl stop front-proxy flying-passenger
                pgrep -u games && fail "processes are left"
                [ -z "$(systemctl list-units --no-legend --plain 'flyingpassenger*.scope')" ] || fail "scopes are left"
                [ -z "$(systemctl list-units --failed --no-legend)" ] || fail "failed units"
                echo everything as it should be
                """
            var units: [String: String] = [:]
            for unit in ["flying-passenger.service", "front-proxy.service"] {
                units[unit] = try Repository.text("systemd/\(unit)")
            }
            let files = [
                "front-proxy.conf": configuration,
                "passenger_wsgi.py": try Repository.text("Tests/IntegrationTests/Apps/wsgi/passenger_wsgi.py"),
            ]
            let outcome = try Self.run(script, units: units, files: files)
            #expect(outcome.output.contains("everything as it should be\n"), "\(outcome.output.suffix(6000))")
        }
    }
}
