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
        port: UInt16? = nil,
        listens: Bool = false
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
                nodeLibrary: "/loaders/node",
                instance: "Ab3dE5g"
            ),
            identity: identity,
            settings: try settings(entries),
            type: type,
            port: port,
            listens: listens
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
        #expect(plan["FLYING_PASSENGER_INSTANCE"] == "Ab3dE5g")
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

    // MARK: Layers

    private static func variables(_ texts: [String]) -> [EnvironmentVariable] {
        texts.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return EnvironmentVariable(name: String(parts[0]), value: String(parts[1]))
        }
    }

    /// What each layer says about one variable, and what it comes to.
    struct Row: Sendable {
        let name: String
        var settings: [(String, String)] = []
        var before: String?
        /// Nil: the shell says nothing about it; no shell is asked when `isAsked` is false.
        var shell: String?
        var isAsked = true
        var file: String?
        let result: String?
    }

    @Test(arguments: [
        Row(name: "LANG", before: "C", shell: nil, result: nil),
        Row(name: "LANG", before: "C", isAsked: false, result: "C"),
        Row(name: "HOME", before: "/home/joe", shell: "/elsewhere", result: "/elsewhere"),
        Row(name: "OWN", shell: "1", result: "1"),
        Row(name: "OWN", shell: "1", file: "2", result: "2"),
        Row(name: "OWN", settings: [("env_var", "OWN=3")], shell: "1", file: "2", result: "3"),
        Row(name: "RACK_ENV", before: "production", shell: "wrong", result: "production"),
        Row(name: "RACK_ENV", before: "production", shell: "wrong", file: "file", result: "file"),
        Row(name: "PWD", before: "/webapps/foo", shell: "/home/joe", result: "/webapps/foo"),
        Row(
            name: "NODE_PATH",
            before: "/loaders/node",
            shell: "/usr/share/nodejs",
            result: "/usr/share/nodejs:/loaders/node"
        ),
        Row(name: "NODE_PATH", before: "/loaders/node", shell: "/x:/loaders/node", result: "/x:/loaders/node"),
        Row(name: "NODE_PATH", before: "/loaders/node", shell: "", result: "/loaders/node"),
        Row(name: "RACK_BASE_URI", shell: "/wrong", result: nil),
        Row(name: "RACK_BASE_URI", settings: [("base_uri", "/sub")], before: "/sub", shell: "/wrong", result: "/sub"),
        Row(name: "LISTEN_FDS", shell: "1", result: nil),
        Row(name: "NOTIFY_SOCKET", shell: "/run/x", result: nil),
        Row(name: "SHLVL", shell: "1", result: nil),
        Row(name: "OLDPWD", shell: "/", result: nil),
        Row(name: "_", shell: "/usr/bin/env", result: nil),
        // Profile files must not run with Bundler loaded.
        Row(name: "RUBYOPT", settings: [("preload_bundler", "on")], shell: "-W0", result: "-rbundler/setup"),
    ])
    func `later layers win`(row: Row) throws {
        let plan = try plan(row.settings, daemon: [("LANG", "C")])
        #expect(plan.initial.first { $0.name == row.name }?.value == row.before)
        let shell = row.isAsked ? row.shell.map { [EnvironmentVariable(name: row.name, value: $0)] } ?? [] : nil
        let file = row.file.map { [EnvironmentVariable(name: row.name, value: $0)] } ?? []
        #expect(plan.resolved(shell: shell, file: file).last { $0.name == row.name }?.value == row.result)
    }

    @Test func `ours are there again after a shell that said nothing of them`() throws {
        let plan = try plan([("base_uri", "/sub")], port: 4000, listens: true)
        let result = Dictionary(uniqueKeysWithValues: plan.resolved(shell: []).map { ($0.name, $0.value) })
        #expect(result["PORT"] == "4000" && result["LISTEN_FDS"] == "1" && result["PASSENGER_BASE_URI"] == "/sub")
        #expect(result["IN_PASSENGER"] == "1" && result["WSGI_ENV"] == "production" && result["USER"] == nil)
    }

    @Test(arguments: [
        ("/bin/bash", true), ("/usr/bin/zsh", true), ("/bin/ksh", true), ("/bin/sh", true), ("/usr/bin/dash", true),
        ("/usr/bin/fish", false), ("/usr/sbin/nologin", false), ("/bin/false", false), ("", false), ("bash", false),
        ("/opt/bash/", true), ("/usr/bin/git-shell", false), ("/usr/bin/rbash", false),
    ])
    func `only shells that are known are asked`(shell: String, isAsked: Bool) throws {
        let account = Account(name: "joe", uid: 1000, gid: 100, home: "/home/joe", shell: shell)
        #expect(try plan(account: account).loginShell == (isAsked ? shell : nil))
        #expect(try plan([("load_shell_envvars", "off")], account: account).loginShell == nil)
    }

    @Test func `without an account no shell is asked`() throws {
        #expect(try plan(account: nil).loginShell == nil)
        #expect(try plan([("env_file", ".env")]).file == ".env")
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
