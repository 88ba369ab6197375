// SPDX-License-Identifier: MIT

import AppSettings
import SpawnPlan
import Testing

@Suite struct EnvironmentPlanTests {
    private func plan(
        _ entries: [(String, String)] = [],
        daemon: [(String, String)] = [],
        account: Account? = InMemoryUsers().account(named: "joe"),
        isSwitched: Bool = true,
        type: AppType = .rack,
        port: UInt16? = nil
    ) throws -> EnvironmentPlan {
        let identity = RunningIdentity(
            userName: "joe",
            groupName: "joe",
            uid: 1000,
            gid: 100,
            groups: [100],
            account: account,
            reason: "",
            isSwitched: isSwitched,
            restsOnOwnership: false
        )
        return EnvironmentPlan(
            base: .init(
                daemonEnvironment: daemon.map { EnvironmentVariable(name: $0.0, value: $0.1) },
                serverSoftware: "Flying Passenger/0.1.0",
                nodeLibrary: "/loaders/node"
            ),
            identity: identity,
            settings: try settings(entries),
            type: type,
            port: port
        )
    }

    @Test func `only allowed variables of the daemon come through`() throws {
        let plan = try plan(daemon: [
            ("LANG", "de_DE.UTF-8"), ("LC_TIME", "C"), ("TZ", "UTC"), ("TMPDIR", "/tmp/x"), ("RUBYOPT", "-w"),
            ("LD_PRELOAD", "x.so"), ("NOTIFY_SOCKET", "/n"), ("SUDO_USER", "me"), ("LISTEN_FDS", "1"),
            ("HOME", "/root"),
        ])
        #expect(plan["LANG"] == "de_DE.UTF-8" && plan["LC_TIME"] == "C" && plan["TZ"] == "UTC")
        #expect(plan["TMPDIR"] == "/tmp/x")
        for name in ["RUBYOPT", "LD_PRELOAD", "NOTIFY_SOCKET", "SUDO_USER", "LISTEN_FDS", "PORT"] {
            #expect(plan[name] == nil)
        }
    }

    @Test func `apps of a root daemon never get its search path`() throws {
        let daemon = [("PATH", "/root/.pyenv/shims:/usr/bin")]
        #expect(try plan(daemon: daemon)["PATH"] == EnvironmentPlan.cleanPath)
        #expect(try plan(daemon: daemon, isSwitched: false)["PATH"] == "/root/.pyenv/shims:/usr/bin")
        #expect(try plan(isSwitched: false)["PATH"] == EnvironmentPlan.cleanPath)
    }

    @Test func `account variables come from the account, or are absent`() throws {
        let plan = try plan()
        #expect(plan["USER"] == "joe" && plan["LOGNAME"] == "joe")
        #expect(plan["HOME"] == "/home/joe" && plan["SHELL"] == "/bin/bash")
        let without = try self.plan(account: nil)
        for name in ["USER", "LOGNAME", "HOME", "SHELL"] { #expect(without[name] == nil) }
    }

    @Test func `our own variables tell about the app`() throws {
        let plan = try plan([("app_env", "staging"), ("base_uri", "/sub")], port: 4000)
        for name in ["RAILS_ENV", "RACK_ENV", "WSGI_ENV", "NODE_ENV", "PASSENGER_APP_ENV"] {
            #expect(plan[name] == "staging")
        }
        for name in ["RAILS_RELATIVE_URL_ROOT", "RACK_BASE_URI", "PASSENGER_BASE_URI"] { #expect(plan[name] == "/sub") }
        #expect(plan["IN_PASSENGER"] == "1" && plan["PYTHONUNBUFFERED"] == "1" && plan["PORT"] == "4000")
        #expect(plan["PWD"] == "/webapps/foo" && plan["NODE_PATH"] == "/loaders/node")
        #expect(plan["SERVER_SOFTWARE"] == "Flying Passenger/0.1.0")
        #expect(try self.plan()["RACK_BASE_URI"] == nil)
    }

    @Test func `the app's own variables win over everything`() throws {
        let plan = try plan([("env_var", "PATH=/opt/bin"), ("env_var", "RACK_ENV=x"), ("env_var", "USER=")])
        #expect(plan["PATH"] == "/opt/bin" && plan["RACK_ENV"] == "x" && plan["USER"] == "")
        #expect(plan.variables.filter { $0.name == "RACK_ENV" }.count == 1)
    }

    @Test func `bundler is preloaded for Ruby only`() throws {
        #expect(try plan([("preload_bundler", "on")])["RUBYOPT"] == "-rbundler/setup")
        #expect(try plan([("preload_bundler", "on")], type: .node)["RUBYOPT"] == nil)
    }

    @Test func `secrets are masked by their names`() {
        let masked = SecretMask.masked([
            EnvironmentVariable(name: "API_KEY", value: "a"), EnvironmentVariable(name: "db_password", value: "b"),
            EnvironmentVariable(name: "GITHUB_TOKEN", value: "c"),
            EnvironmentVariable(name: "SECRET_KEY_BASE", value: "d"),
            EnvironmentVariable(name: "LANG", value: "C"), EnvironmentVariable(name: "PASSPHRASE", value: ""),
        ])
        #expect(masked.map(\.value) == Array(repeating: SecretMask.replacement, count: 4) + ["C", ""])
    }
}
