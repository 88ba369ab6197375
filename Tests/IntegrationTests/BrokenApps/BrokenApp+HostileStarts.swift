// SPDX-License-Identifier: MIT

extension BrokenApp {
    /// Applications that talk nonsense to the daemon, take what they can get, or have no proper startup file.
    static let hostileStarts: [BrokenApp] = startsThatTalkNonsense + startsWithoutMeans + startsWithoutFiles

    private static let startsThatTalkNonsense: [BrokenApp] = [
        .start(
            "garbage",
            python("import os\nos.write(4, b'\\xff\\x00 hello\\n')\nos.read(4, 1)"),
            kind: "protocol-violation",
            reason: channel
        ),
        .start(
            "long-line",
            python("import os, time\nos.write(4, b'x' * 200000)\ntime.sleep(600)"),
            kind: "protocol-violation",
            reason: channel
        ),
        .start(
            "many-lines",
            python("import os\nwhile True:\n    os.write(4, b'info nothing\\n' * 1000)"),
            kind: "protocol-violation",
            reason: channel
        ),
        .start(
            "long-detail",
            python("import os\nos.write(4, b'error detail ' + b'x' * 100000 + b'\\n')\nos._exit(1)"),
            kind: "early-exit",
            reason: "ended with exit code 1 before it was ready"
        ),
        .start(
            "claims-to-be-ready",
            python("import os\nos.write(4, b'ready concurrency=99999999999\\n')\nos.read(4, 1)"),
            kind: "protocol-violation",
            reason: channel
        ),
        .start(
            "closes-control",
            python("import os, time\nos.close(4)\ntime.sleep(600)"),
            kind: "protocol-violation",
            reason: "closed its control channel (descriptor 4)"
        ),
        .start(
            "closes-listener",
            python("import os\nos.close(3)\ndef application(e, s): pass"),
            kind: "exception",
            step: "listen",
            reason: "Bad file descriptor"
        ),
        .start(
            "floods",
            python(
                """
                import os
                for _ in range(\(floodMebibytes)): os.write(1, b'a line of it\\n' * 80660)
                os._exit(5)
                """
            ),
            kind: "early-exit",
            reason: "ended with exit code 5 before it was ready",
            words: ["a line of it"],
            log: ["lines left out: the application prints more than is logged"]
        ),
        .start(
            "endless-line",
            python("import os\nfor _ in range(\(floodMebibytes)): os.write(2, b'x' * 1048576)\nos._exit(6)"),
            kind: "early-exit",
            reason: "ended with exit code 6 before it was ready",
            words: ["xxxxxxxx"]
        ),
        .start(
            "strange-bytes",
            python(
                """
                import os
                os.write(2, b'\\xff\\xfe\\xc3\\n\\0\\x1b[2J plain words\\n')
                raise ValueError('\\udcff \\x1b[31m')
                """
            ),
            kind: "exception",
            reason: "ValueError",
            words: ["plain words"]
        ),
    ]

    private static let startsWithoutMeans: [BrokenApp] = [
        .start(
            "python-memory",
            python(
                """
                import resource
                resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
                hoard = bytearray(1 << 30)
                """
            ),
            kind: "out-of-memory",
            category: "operating-system",
            reason: "MemoryError"
        ),
        .start(
            "ruby-memory",
            ruby("Process.setrlimit(:AS, 400 << 20)\n$hoard = 'x' * (1 << 30)"),
            kind: "out-of-memory",
            category: "operating-system",
            reason: "failed to allocate memory"
        ),
        .start(
            "node-memory",
            node("const hoard = [];\nfor (;;) hoard.push(new Array(100000).fill({ a: hoard.length }));"),
            settings: ["passenger_env_var NODE_OPTIONS --max-old-space-size=16;"],
            kind: "out-of-memory",
            reason: "ended with signal SIG",
            words: ["heap out of memory"]
        ),
        .start(
            "forks-for-ever",
            python(
                """
                import os, resource
                resource.setrlimit(resource.RLIMIT_NPROC, (48, 48))
                while True:
                    try:
                        os.fork()
                    except OSError:
                        pass
                """
            ),
            settings: ["passenger_start_timeout 2;"],
            user: "irc",
            kind: "timeout",
            category: "timeout",
            reason: "within 2 seconds (passenger_start_timeout)"
        ),
        .start(
            "forks-and-gives-up",
            python(
                """
                import os, resource, time
                resource.setrlimit(resource.RLIMIT_NPROC, (24, 24))
                for _ in range(1000):
                    if os.fork() == 0:
                        time.sleep(600)
                """
            ),
            user: "list",
            kind: "exception",
            reason: "BlockingIOError"
        ),
    ]

    private static let startsWithoutFiles: [BrokenApp] = [
        .start(
            "startup-fifo",
            ["README": ""],
            arrangement: "mkfifo config.ru",
            kind: "startup-file-missing",
            category: "file-system",
            step: "prepare",
            reason: "the startup file config.ru",
            hasUser: false
        ),
        .start(
            "startup-directory",
            ["README": ""],
            arrangement: "mkdir app.js",
            kind: "startup-file-missing",
            category: "file-system",
            step: "prepare",
            reason: "the startup file app.js",
            hasUser: false
        ),
        .start(
            "startup-loop",
            ["README": ""],
            arrangement: "ln -s config.ru config.ru",
            kind: "access",
            category: "file-system",
            step: "working-directory",
            reason: "the startup file"
        ),
        .start(
            "no-interpreter",
            python("def application(environ, start_response): pass"),
            settings: ["passenger_python /no/such/python;"],
            kind: "interpreter-missing",
            category: "operating-system",
            step: "execute",
            reason: "/no/such/python does not exist"
        ),
        .start(
            "no-command",
            ["README": ""],
            settings: ["passenger_app_start_command \"/no/such/server --fast\";"],
            kind: "early-exit",
            step: "listen",
            reason: "ended with exit code 127",
            words: ["/no/such/server"]
        ),
    ]

    private static let channel = "the application wrote to descriptor 4, which belongs to its loader"
}
