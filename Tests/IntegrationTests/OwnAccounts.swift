// SPDX-License-Identifier: MIT

import TestSupport

/// Accounts that exist for the programs of one test only: a private mount namespace has files of its own in place of
/// `/etc/passwd` and `/etc/group`.
struct OwnAccounts {
    struct User {
        let name: String
        let uid: UInt32
        let gid: UInt32
        let home: String
        let shell: String
    }

    static let joe = User(name: "joe", uid: 7001, gid: 7001, home: "/home/joe", shell: "/bin/bash")
    static let mary = User(name: "mary", uid: 7002, gid: 7002, home: "/srv/mary", shell: "/bin/sh")
    /// Whose files others link to.
    static let vic = User(name: "vic", uid: 7003, gid: 7003, home: "/home/vic", shell: "/bin/false")
    /// Who links to the files of others.
    static let eve = User(name: "eve", uid: 7004, gid: 7004, home: "/home/eve", shell: "")
    static let nobody = User(
        name: "nobody",
        uid: 65534,
        gid: 65534,
        home: "/nonexistent",
        shell: "/usr/sbin/nologin"
    )
    static let all = [joe, mary, vic, eve, nobody]

    static let crew: UInt32 = 7100
    static let club: UInt32 = 7101
    static let extra: UInt32 = 7102
    static let memberships = [
        "joe": [crew, club], "mary": [crew, extra], "vic": [], "eve": [extra], "nobody": [],
    ]
    /// Ids that no account has.
    static let unknownUID: UInt32 = 7999
    static let unknownGID: UInt32 = 7998

    /// Puts the two files into a directory of the test; what `Site.daemonWrapper` is to be.
    ///
    /// `webGroup` are further members of the group www-data.
    static func wrapper(
        in directory: TestDirectory,
        adding more: [User] = [],
        webGroup: [String] = []
    ) throws -> [String] {
        let users =
            (all + more).map { "\($0.name):x:\($0.uid):\($0.gid)::\($0.home):\($0.shell)" } + [
                "root:x:0:0:root:/root:/bin/bash", "www-data:x:33:33::/var/www:/usr/sbin/nologin",
            ]
        let own = ([joe, mary, vic, eve] + more).map { "\($0.name):x:\($0.gid):" }
        let groups =
            own + [
                "root:x:0:", "www-data:x:33:\(webGroup.joined(separator: ","))", "nogroup:x:65534:",
                "crew:x:\(crew):joe,mary", "club:x:\(club):joe",
                "extra:x:\(extra):mary,eve",
            ]
        let passwd = try directory.write(users.joined(separator: "\n") + "\n", to: "accounts/passwd")
        let group = try directory.write(groups.joined(separator: "\n") + "\n", to: "accounts/group")
        let script = """
            mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group || exit 1
            shift 2
            exec "$@"
            """
        return ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, "accounts", passwd, group]
    }

    /// A program that says who it is, and tries to become somebody else.
    static let probe = """
        import os

        def attempt(name, *ids):
            try:
                getattr(os, name)(*ids)
                return "GRANTED"
            except OSError as error:
                return "denied" if error.errno == 1 else str(error)

        def fields():
            with open("/proc/self/status") as status:
                for line in status:
                    if line.split(":")[0] in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapAmb"):
                        yield " ".join(line.split())
            for name in ("USER", "LOGNAME", "HOME", "SHELL"):
                yield f"{name}: {os.environ.get(name, '(unset)')}"
            tries = [("setuid", 0), ("setgid", 0), ("seteuid", 0), ("setegid", 0), ("setgroups", [0])]
            tries += [("setresuid", 0, 0, 0), ("setresuid", -1, -1, 0), ("setresgid", 0, 0, 0)]
            yield "regained: " + ",".join(sorted({attempt(*one) for one in tries}))
            yield f"umask: {os.umask(0o22):o}"

        """
    static let wsgi =
        probe + """
            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return ["".join(line + "\\n" for line in fields()).encode()]

            """
    /// For generic applications; listens on the socket it was given.
    static let server =
        probe + """
            import socket
            listener = socket.socket(fileno=3)
            listener.setblocking(True)
            while True:
                connection, _ = listener.accept()
                try:
                    connection.recv(65536)
                    body = "".join(line + "\\n" for line in fields()).encode()
                    head = b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
                    connection.sendall(head + body)
                except OSError:
                    pass  # The daemon looks whether somebody accepts, and leaves.
                connection.close()

            """
}
