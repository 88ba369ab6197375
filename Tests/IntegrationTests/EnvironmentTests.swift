// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// What applications find in their environment, with real login shells of accounts of their own.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and mount namespaces"), .timeLimit(.minutes(2)))
    struct EnvironmentTests {
        /// Shells of this machine, and the profile file that each reads.
        private static let shells: [(name: String, path: String, profile: String)] = [
            ("bash", "/bin/bash", ".bash_profile"), ("dash", "/bin/dash", ".profile"), ("sh", "/bin/sh", ".profile"),
            ("zsh", "/usr/bin/zsh", ".zprofile"), ("ksh", "/usr/bin/ksh", ".profile"),
        ].filter { Files.isExecutable($0.path) }

        @Test func `each login shell gives its variables, whatever its profile prints, and never wins over ours`()
            throws
        {
            let place = try EnvironmentSite(
                Self.shells.map { shell in
                    .init(
                        name: "u\(shell.name)",
                        shell: shell.path,
                        profile: [
                            shell.profile: """
                            echo "noise of \(shell.name)"; echo 'A=not a variable' >&2
                            export FROM_PROFILE="$RACK_ENV of $USER in $PWD" RACK_ENV=wrong LISTEN_FDS=7
                            export PATH="$HOME/bin:$PATH" NODE_PATH=/profile PASSENGER_BASE_URI=/wrong
                            sleep 1000 &

                            """
                        ]
                    )
                }
            )
            try place.start()
            for shell in Self.shells {
                let name = "u\(shell.name)"
                let variables = try place.environment(of: name)
                let root = place.site.root(of: name)
                #expect(variables["FROM_PROFILE"] == "production of \(name) in \(root)", "\(name): \(variables)")
                #expect(variables["RACK_ENV"] == "production" && variables["PWD"] == root)
                #expect(variables["PATH"]?.hasPrefix(place.home(of: name) + "/bin:") == true)
                #expect(variables["NODE_PATH"]?.hasPrefix("/profile:/") == true)
                for absent in ["_", "SHLVL", "OLDPWD", "LISTEN_FDS", "PASSENGER_BASE_URI", "A"] {
                    #expect(variables[absent] == nil, "\(name): \(absent)")
                }
                try eventually("the noise in the log") {
                    place.site.log().contains("output: noise of \(shell.name)")
                }
            }
            // What profiles left behind ends with the application.
            let sleepers = { ProcInfo.all().filter { ProcInfo.uid(of: $0) ?? 0 >= 7_500 } }
            #expect(sleepers().count >= 2 * Self.shells.count)
            try place.site.daemon?.terminate()
            try eventually("the end of all that they started") { sleepers().allSatisfy { !ProcessFacts.isRunning($0) } }
        }

        @Test func `shells that are not known are passed over, and load_shell_envvars off asks none`() throws {
            let profile = [".profile": "export FROM_PROFILE=1\n", ".bash_profile": "exit 9\n"]
            let place = try EnvironmentSite(
                ["/usr/sbin/nologin", "/bin/false", "/usr/bin/fish", ""].enumerated().map { number, shell in
                    .init(name: "other\(number)", shell: shell, profile: profile)
                } + [
                    .init(
                        name: "off",
                        shell: "/bin/bash",
                        profile: profile,
                        settings: ["passenger_load_shell_envvars off;"]
                    )
                ]
            )
            try place.start()
            for name in ["other0", "other1", "other2", "other3", "off"] {
                let variables = try place.environment(of: name)
                #expect(variables["FROM_PROFILE"] == nil && variables["USER"] == name, "\(name)")
                #expect(variables["HOME"] == place.home(of: name))
            }
            #expect(try place.environment(of: "other3")["SHELL"] == "/bin/sh")
        }

        @Test func `environment file and own variables win over the profile, and secrets stay secrets`() throws {
            let place = try EnvironmentSite([
                .init(
                    name: "layers",
                    shell: "/bin/bash",
                    profile: [".bash_profile": "export A=profile B=profile C=profile\n"],
                    settings: [
                        "passenger_env_file .env;", "passenger_env_var C own;", "passenger_env_var EMPTY \"\";",
                    ]
                )
            ])
            let text = "# of the application\nexport B='file' # remark\nC=file\nAPI_SECRET=\"s3cr3t \\\"x\\\"\"\n"
            try place.site.directory.write(text, to: "apps/layers/.env", mode: 0o600)
            try place.giveAway()
            try place.start()
            let body = try place.site.page("layers", "/env").text
            for line in ["A=profile", "B=file", "C=own", "EMPTY=", "API_SECRET=s3cr3t \"x\""] {
                #expect(body.split(separator: "\n").contains(Substring(line)), "\(line)")
            }
            #expect(!place.site.log().contains("s3cr3t"))
        }

        @Test(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"))
        func `nothing of the daemon's own environment reaches an application of any type`() throws {
            let sources = ["rack", "wsgi", "node", "generic"]
            let command = "passenger_app_start_command \"/usr/bin/python3 server.py\";"
            let place = try EnvironmentSite(
                sources.map { source in
                    .init(
                        name: source,
                        shell: "/usr/sbin/nologin",
                        settings: source == "generic" ? [command] : [],
                        source: source
                    )
                }
            )
            let own = [
                "LD_PRELOAD=\(try Self.harmlessLibrary())", "LD_LIBRARY_PATH=/nowhere", "RUBYOPT=-W0",
                "RUBYLIB=/nowhere",
                "PYTHONPATH=/nowhere", "NODE_OPTIONS=--no-warnings", "NOTIFY_SOCKET=/nowhere/notify",
                "SUDO_USER=somebody", "SUDO_COMMAND=x", "LISTEN_FDS=1", "LISTEN_PID=1", "LISTEN_FDNAMES=x",
                "GEM_HOME=/nowhere", "BASH_ENV=/nowhere", "ENV=/nowhere", "SECRET_OF_THE_DAEMON=1", "LANG=C.UTF-8",
                "TZ=UTC", "INVOCATION_ID=1", "JOURNAL_STREAM=1:1",
            ]
            place.site.daemonWrapper += ["env"] + own
            try place.start()
            let common: Set<String> = [
                "PATH", "LANG", "TZ", "USER", "LOGNAME", "HOME", "SHELL", "RAILS_ENV", "RACK_ENV", "WSGI_ENV",
                "NODE_ENV",
                "PASSENGER_APP_ENV", "IN_PASSENGER", "SERVER_SOFTWARE", "PYTHONUNBUFFERED", "PWD", "NODE_PATH",
                "FLYING_PASSENGER_INSTANCE",
            ]
            for source in sources {
                var expected = common
                if source == "generic" { expected.formUnion(["PORT", "LISTEN_FDS", "LISTEN_PID"]) }
                let variables = try place.environment(of: source)
                let names = Set(variables.keys)
                // Added by the interpreters themselves, and by a shell on the way.
                let unexpected = names.subtracting(expected).subtracting(["LC_CTYPE", "OLDPWD", "_", "SHLVL"])
                #expect(unexpected.isEmpty && expected.isSubset(of: names), "\(source): \(names.sorted())")
                #expect(variables["PATH"] == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            }
        }

        /// One that every process has loaded already.
        private static func harmlessLibrary() throws -> String {
            let maps = try TestFile.text("/proc/self/maps").split(separator: "\n")
            let line = try #require(maps.first { $0.hasSuffix("/libc.so.6") })
            return String(line.drop { $0 != "/" })
        }
    }
}
