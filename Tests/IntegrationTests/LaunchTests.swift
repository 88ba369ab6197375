// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Starts that fail, or are held up, before the program of the application runs.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and mount namespaces"), .timeLimit(.minutes(2)))
    struct LaunchTests {
        @Test func `login shells that end, hang or are stopped are failures that name them, and nothing is left`()
            throws
        {
            let limit = ["passenger_start_timeout 2s;"]
            let rows: [(name: String, shell: String, profile: String, settings: [String], expected: String)] = [
                ("exits", "/bin/bash", "echo last words; exit 3", [], "ended with exit code 3 instead of"),
                ("killed", "/bin/bash", "kill -KILL $$", [], "ended with signal SIGKILL instead of"),
                ("replaced", "/bin/bash", "exec /bin/true", [], "ended without telling its environment"),
                ("missing", "/opt/no/bash", "", [], "cannot be used: No such file or directory"),
                ("hangs", "/bin/bash", "sleep 1000", limit, "did not say its environment within 2 seconds"),
                // The helper itself, which is a process of the user by then.
                ("stops", "/bin/bash", "kill -STOP $PPID", limit, "did not say its environment within 2 seconds"),
            ]
            let place = try EnvironmentSite(
                rows.map {
                    .init(
                        name: $0.name,
                        shell: $0.shell,
                        profile: [".bash_profile": $0.profile + "\n"],
                        settings: $0.settings
                    )
                }
            )
            try place.start()
            for row in rows {
                #expect(try place.site.get(row.name).status == 500)
                let summary = try place.lastError(of: row.name)
                #expect(
                    summary.hasPrefix("the login shell \(row.shell) of \(row.name) ") && summary.contains(row.expected),
                    "\(row.name): \(summary)"
                )
                let line = try #require(place.site.log().split(separator: "\n").first { $0.contains(summary) })
                #expect(line.contains("journey-step=shell-environment") && line.contains("kind=login-shell"), "\(line)")
                let details = try #require(line.split(separator: " ").first { $0.hasPrefix("details=") })
                let text = try TestFile.text(String(details.dropFirst("details=".count)))
                #expect(text.contains("passenger_load_shell_envvars off;"), "\(text)")
            }
            #expect(place.site.log().contains("last words"))
            try Self.expectNothingLeft(place)
        }

        @Test func `a helper that its own user kills is told as that`() throws {
            let place = try EnvironmentSite([
                .init(name: "kills", shell: "/bin/bash", profile: [".bash_profile": "kill -KILL $PPID; sleep 1000\n"])
            ])
            try place.start()
            #expect(try place.site.get("kills").status == 500)
            let summary = "the process ended with signal SIGKILL before its program was executed"
            #expect(try place.lastError(of: "kills") == summary)
            try Self.expectNothingLeft(place)
        }

        @Test func `an environment file that cannot be used is named with its line`() throws {
            let rows: [(name: String, prepare: String, expected: String)] = [
                ("line", "printf 'A=1\\nB 2\\n' > .env", "/.env is wrong in line 2: there is no ="),
                (
                    "absent", "true",
                    "/.env cannot be read by absent (uid 7501, groups absent): No such file or directory"
                ),
                ("fifo", "mkfifo .env", "/.env is no regular file"),
                ("loop", "ln -s .env .env", "/.env cannot be read by loop"),
                ("foreign", "ln -s /etc/shadow .env", "/.env cannot be read by foreign"),
            ]
            let place = try EnvironmentSite(
                rows.map { .init(name: $0.name, shell: "", settings: ["passenger_env_file .env;"]) }
            )
            for row in rows {
                let outcome = try Shell.script(row.prepare, in: place.site.root(of: row.name))
                #expect(outcome.status.isSuccess, "\(outcome.output)")
            }
            try place.start()
            for row in rows {
                #expect(try place.site.get(row.name).status == 500)
                let summary = try place.lastError(of: row.name)
                #expect(summary.hasPrefix("the environment file \(place.site.root(of: row.name))/.env"), "\(summary)")
                #expect(summary.contains(row.expected), "\(row.name): \(summary)")
            }
            try Self.expectNothingLeft(place)
        }

        @Test(.enabled(if: TestFile.exists("/dev/fuse"), "needs /dev/fuse"))
        func `a file system that does not answer holds up its own applications only`() throws {
            let mount = "/mnt"
            let limit = "passenger_start_timeout 2s;"
            let place = try EnvironmentSite([
                .init(name: "interpreter", shell: "", settings: [limit, "passenger_python \(mount)/python3;"]),
                .init(name: "file", shell: "", settings: [limit, "passenger_env_file \(mount)/env;"]),
                .init(name: "root", shell: "", settings: [limit, "passenger_app_root \(mount)/app;"]),
                .init(name: "well", shell: ""),
            ])
            let hang = try place.site.directory.write(Self.hangingFileSystem, to: "hang.py")
            let script = """
                /usr/bin/python3 "$1" \(mount) & until grep -q ' \(mount) fuse ' /proc/self/mounts; do sleep 0.02; done
                shift
                exec "$@"
                """
            place.site.daemonWrapper += ["/bin/sh", "-c", script, "hang", hang]
            try place.start()
            let rows = [
                ("interpreter", "\(mount)/python3 could not be executed within 2 seconds"),
                ("file", "the environment file \(mount)/env could not be read within 2 seconds"),
                ("root", "the app root \(mount)/app could not be looked at within 2 seconds"),
            ]
            for (name, expected) in rows {
                #expect(try place.site.get(name).status == 500)
                let log = place.site.log()
                #expect(log.contains(expected), "\(name): \(log.suffix(2_000))")
            }
            #expect(try place.site.page("well").field("user") == "well")
            try Self.expectNothingLeft(place, butProcessesOf: ["well"])
        }

        /// Neither processes of the users, nor sockets, nor records.
        private static func expectNothingLeft(_ place: EnvironmentSite, butProcessesOf names: [String] = []) throws {
            let running = names.map { place.uid(of: $0) }
            try eventually("the end of all processes of the users") {
                ProcInfo.all().allSatisfy { pid in
                    guard let uid = ProcInfo.uid(of: pid), uid >= 7_500, uid < 7_600 else { return true }
                    return running.contains(uid)
                }
            }
            try eventually("sockets and records to be gone") { place.kept.count == 2 * names.count }
        }

        /// Mounts a file system of which nobody answers a request, until it is ended.
        private static let hangingFileSystem = """
            import ctypes, os, struct, sys, time
            libc = ctypes.CDLL(None, use_errno=True)
            device = os.open("/dev/fuse", os.O_RDWR)
            options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
            if libc.mount(b"hang", sys.argv[1].encode(), b"fuse", 0, options.encode()) != 0:
                sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
            # Whoever waits for this first answer cannot be killed while others do; nothing but it is ever answered.
            unique = struct.unpack_from("=IIQ", os.read(device, 1 << 17))[2]
            answer = struct.pack("=IIIIHHIIHHI", 7, 31, 0, 1 << 18, 0, 0, 4096, 0, 0, 0, 0).ljust(64, b"\\0")
            os.write(device, struct.pack("=IiQ", 16 + len(answer), 0, unique) + answer)
            parent = os.getppid()
            while os.getppid() == parent:
                time.sleep(0.1)

            """
    }
}
