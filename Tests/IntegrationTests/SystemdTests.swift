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
        func `processes with limits and their preloader are in scopes that go with them, whatever crashes`() throws {
            let configuration = """
                http {
                    passenger_fly_with /run/flying-passenger/daemon.sock;
                    passenger_python /usr/bin/python3;
                    passenger_load_shell_envvars off;
                    passenger_memory_max 96m;
                    passenger_pids_max 40;
                    passenger_spawn_method smart;
                    passenger_min_instances 2;
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
                slices() { systemctl list-units --no-legend --plain 'flyingpassenger-*.slice' | wc -l; }
                # What is the only process of its scope, how many times.
                scopes() {
                    for scope in /sys/fs/cgroup/flyingpassenger.slice/*.slice/*.slice/*.scope; do
                        [ "$(wc -l <$scope/cgroup.procs)" = 1 ] && ps -o args= -p "$(cat $scope/cgroup.procs)"
                    done 2>/dev/null | sort | uniq -c | xargs
                }
                # The slice of the instance, and the one of the application.
                await() {
                    for _ in $(seq 100); do [ "$(scopes)" = "$1" ] && [ "$(slices)" = 2 ] && return; sleep 0.1; done
                    fail "$2: $(scopes), $(slices) slices"
                }
                restarted() {
                    for _ in $(seq 100); do [ "$(main)" != $1 ] && [ "$(main)" != 0 ] && return; sleep 0.1; done
                    fail "no new daemon"
                }
                main() { systemctl show -P MainPID flying-passenger; }
                preloader() { pgrep -u games -f AppPreloader; }
                workers="2 Passenger WsgiApp: /srv/app"
                all="1 Passenger AppPreloader: /srv/app $workers"
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
                await "$all" start
                [ "$(dirname "$(scope "$(preloader)")")" = "$(dirname "$(scope $first)")" ] || fail "two slices"
                kill -KILL $first
                await "$all" "crash of a worker"
                second=$(page)
                [ "$second" != "$first" ] || fail "a dead process answered"
                check $second
                kill -KILL "$(preloader)"
                await "$workers" "crash of the preloader"
                kill -KILL "$(pgrep -P "$(main)")"
                page >/dev/null
                await "$all" "crash of the core"

                systemctl restart flying-passenger
                check "$(page)"
                await "$all" "restart of the daemon"
                old=$(main)
                kill -KILL $old
                restarted $old
                check "$(page)"
                await "$all" "crash of the watchdog"
                old=$(main)
                systemctl kill --kill-who=all --signal=KILL flying-passenger
                restarted $old
                check "$(page)"
                await "$all" "crash of the whole daemon"

                systemctl stop front-proxy flying-passenger
                pgrep -u games && fail "processes are left"
                for _ in $(seq 100); do [ "$(slices)" = 0 ] && break; sleep 0.1; done
                [ -z "$(systemctl list-units --no-legend --plain 'flyingpassenger-*')" ] || fail "units are left"
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
