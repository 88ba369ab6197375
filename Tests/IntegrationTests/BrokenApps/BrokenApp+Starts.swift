// SPDX-License-Identifier: MIT

import LinuxSystem

extension BrokenApp {
    /// How much a flooding application prints: 1 GiB of it takes a while, so the tests are content with less.
    static let floodMebibytes = CurrentProcess.environment("FLYING_PASSENGER_FLOOD_MIB").flatMap { Int($0) } ?? 32

    /// Applications that are wrong from the first line to the last.
    static let starts: [BrokenApp] = codeThatFails + startsThatEnd + startsThatTalkNonsense + startsWithoutMeans

    private static let codeThatFails: [BrokenApp] = [
        .start("ruby-syntax", ruby("run lambda { |env|"), reason: "SyntaxError", words: ["config.ru"]),
        .start("python-syntax", python("def application(:"), reason: "SyntaxError: invalid syntax"),
        .start("node-syntax", node("function {"), reason: "SyntaxError"),
        .start("ruby-raise", ruby("raise 'broken on purpose'"), reason: "RuntimeError: broken on purpose"),
        .start("python-raise", python("raise OSError('broken on purpose')"), reason: "OSError: broken on purpose"),
        .start("node-throw", node("throw new TypeError('broken on purpose')"), reason: "TypeError: broken on purpose"),
        .start(
            "gem-in-gemfile",
            ruby("run ->(env) { [200, {}, []] }").merging(["Gemfile": "gem 'no_such_gem_x'\n"]) { $1 },
            step: "load-libraries",
            reason: "no_such_gem_x"
        ),
        .start("ruby-require", ruby("require 'no_such_library_x'"), reason: "no_such_library_x"),
        .start(
            "python-module",
            python("import no_such_module_x"),
            reason: "ModuleNotFoundError: No module named 'no_such_module_x'"
        ),
        .start("node-module", node("require('no-such-module-x')"), reason: "Cannot find module 'no-such-module-x'"),
        .start("python-empty", python("# no application here"), reason: "application"),
    ]

    private static let startsThatEnd: [BrokenApp] = [
        .start("exit-0", python("import os; os._exit(0)"), reason: "ended with exit code 0 before it was ready"),
        .start("exit-3", python("import os; os._exit(3)"), reason: "ended with exit code 3 before it was ready"),
        .start("ruby-exit", ruby("exit! 3"), reason: "ended with exit code 3 before it was ready"),
        .start("node-exit", node("process.exit(3)"), reason: "exit code 3"),
        .start("killed", python("import os; os.kill(os.getpid(), 9)"), reason: "ended with signal SIGKILL"),
        .start("crashed", python("import ctypes; ctypes.string_at(0)"), reason: "ended with signal SIGSEGV"),
        .start(
            "says-last-words",
            python("import os\nprint('my last words', flush=True)\nos._exit(1)"),
            reason: "ended with exit code 1 before it was ready",
            words: ["output=\"my last words\""]
        ),
        .start(
            "hangs",
            python("import time\nprint('I am waiting', flush=True)\ntime.sleep(600)"),
            settings: ["passenger_start_timeout 2;"],
            category: "timeout",
            reason: "within 2 seconds (passenger_start_timeout)",
            words: ["I am waiting"]
        ),
        .start(
            "leaves-a-daemon",
            python(
                """
                import os, time
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        time.sleep(6)
                    os._exit(0)
                os._exit(4)
                """
            ),
            reason: "ended with exit code 4 before it was ready"
        ),
    ]

    private static let startsThatTalkNonsense: [BrokenApp] = [
        .start("garbage", python("import os\nos.write(4, b'\\xff\\x00 hello\\n')\nos.read(4, 1)"), reason: channel),
        .start("long-line", python("import os, time\nos.write(4, b'x' * 200000)\ntime.sleep(600)"), reason: channel),
        .start(
            "many-lines",
            python("import os\nwhile True:\n    os.write(4, b'info nothing\\n' * 1000)"),
            reason: channel
        ),
        .start(
            "long-detail",
            python("import os\nos.write(4, b'error detail ' + b'x' * 100000 + b'\\n')\nos._exit(1)"),
            reason: "ended with exit code 1 before it was ready"
        ),
        .start(
            "claims-to-be-ready",
            python("import os\nos.write(4, b'ready concurrency=99999999999\\n')\nos.read(4, 1)"),
            reason: channel
        ),
        .start(
            "closes-control",
            python("import os, time\nos.close(4)\ntime.sleep(600)"),
            reason: "closed its control channel (descriptor 4)"
        ),
        .start(
            "closes-listener",
            python("import os\nos.close(3)\ndef application(e, s): pass"),
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
            reason: "ended with exit code 5 before it was ready",
            words: ["a line of it"],
            log: ["lines left out: the application prints more than is logged"]
        ),
        .start(
            "endless-line",
            python("import os\nfor _ in range(\(floodMebibytes)): os.write(2, b'x' * 1048576)\nos._exit(6)"),
            reason: "ended with exit code 6 before it was ready",
            words: ["xxxxxxxx"]
        ),
        .start(
            "strange-bytes",
            python(
                """
                import os
                os.write(2, b'\\xff\\xfe\\xc3\\n\\0\\x1b[2J\\n')
                raise ValueError('\\udcff \\x1b[31m')
                """
            ),
            reason: "ValueError",
            words: ["\\x1b[2J"]
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
            reason: "MemoryError"
        ),
        .start(
            "ruby-memory",
            ruby("Process.setrlimit(:AS, 400 << 20)\n$hoard = 'x' * (1 << 30)"),
            reason: "NoMemoryError"
        ),
        .start(
            "node-memory",
            node("const hoard = [];\nfor (;;) hoard.push(new Array(100000).fill({ a: hoard.length }));"),
            settings: ["passenger_env_var NODE_OPTIONS --max-old-space-size=16;"],
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
            reason: "BlockingIOError"
        ),
    ]

    private static let channel = "the application wrote to descriptor 4, which belongs to its loader"
}
