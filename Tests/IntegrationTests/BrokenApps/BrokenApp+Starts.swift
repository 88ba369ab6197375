// SPDX-License-Identifier: MIT

import LinuxSystem

extension BrokenApp {
    /// How much a flooding application prints: 1 GiB of it takes a while, so the tests are content with less.
    static let floodMebibytes = CurrentProcess.environment("FLYING_PASSENGER_FLOOD_MIB").flatMap { Int($0) } ?? 32

    /// Applications that are wrong from the first line to the last.
    static let starts: [BrokenApp] = codeThatFails + startsThatEnd + startsThatHang + hostileStarts

    private static let codeThatFails: [BrokenApp] = [
        .start(
            "ruby-syntax",
            ruby("run lambda { |env|"),
            kind: "syntax-error",
            reason: "syntax error, unexpected end-of-input (config.ru:1)"
        ),
        .start(
            "python-syntax",
            python("def application(:"),
            kind: "syntax-error",
            reason: "syntax error: invalid syntax (passenger_wsgi.py:1)"
        ),
        .start("node-syntax", node("function {"), kind: "syntax-error", reason: "syntax error: Unexpected token"),
        .start(
            "ruby-raise",
            ruby("raise 'broken on purpose'"),
            kind: "exception",
            reason: "RuntimeError: broken on purpose"
        ),
        .start(
            "python-raise",
            python("raise OSError('broken on purpose')"),
            kind: "exception",
            reason: "OSError: broken on purpose"
        ),
        .start(
            "node-throw",
            node("throw new TypeError('broken on purpose')"),
            kind: "exception",
            reason: "TypeError: broken on purpose"
        ),
        .start(
            "gem-in-gemfile",
            ruby("run ->(env) { [200, {}, []] }").merging(["Gemfile": "gem 'no_such_gem_x'\n"]) { $1 },
            kind: "missing-gem",
            step: "load-libraries",
            reason: "no_such_gem_x"
        ),
        .start("ruby-require", ruby("require 'no_such_library_x'"), kind: "missing-gem", reason: "no_such_library_x"),
        .start(
            "python-module",
            python("import no_such_module_x"),
            kind: "missing-module",
            reason: "the Python module no_such_module_x, which passenger_wsgi.py:1 imports, is not installed"
        ),
        .start(
            "node-module",
            node("require('no-such-module-x')"),
            kind: "missing-module",
            reason: "the Node module no-such-module-x, which app.js:1 requires"
        ),
        .start("python-empty", python("# no application here"), kind: "configuration", reason: "application"),
    ]

    private static let startsThatEnd: [BrokenApp] = [
        .start(
            "exit-0",
            python("import os; os._exit(0)"),
            kind: "early-exit",
            reason: "ended with exit code 0 before it was ready"
        ),
        .start(
            "exit-3",
            python("import os; os._exit(3)"),
            kind: "early-exit",
            reason: "ended with exit code 3 before it was ready"
        ),
        .start("ruby-exit", ruby("exit! 3"), kind: "early-exit", reason: "ended with exit code 3 before it was ready"),
        .start("node-exit", node("process.exit(3)"), kind: "early-exit", reason: "exit code 3"),
        .start(
            "killed",
            python("import os; os.kill(os.getpid(), 9)"),
            kind: "killed",
            reason: "ended with signal SIGKILL"
        ),
        .start(
            "crashed",
            python("import ctypes; ctypes.string_at(0)"),
            kind: "killed",
            reason: "ended with signal SIGSEGV"
        ),
        .start(
            "says-last-words",
            python("import os\nprint('my last words', flush=True)\nos._exit(1)"),
            kind: "early-exit",
            reason: "ended with exit code 1 before it was ready",
            words: ["my last words"]
        ),
        .start(
            "server-exits",
            ["server.py": "import sys\nsys.exit('no database')\n"],
            settings: [serverCommand],
            kind: "early-exit",
            step: "listen",
            reason: "ended with exit code 1 before it was ready",
            words: ["no database"]
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
            kind: "early-exit",
            reason: "ended with exit code 4 before it was ready"
        ),
    ]

    private static let startsThatHang: [BrokenApp] = [
        .start(
            "hangs",
            python("import time\nprint('I am waiting', flush=True)\ntime.sleep(600)"),
            settings: ["passenger_start_timeout 2;"],
            kind: "timeout",
            category: "timeout",
            reason: "within 2 seconds (passenger_start_timeout)",
            words: ["I am waiting"]
        ),
        .start(
            "stops-itself",
            python("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
            settings: ["passenger_start_timeout 2;"],
            kind: "timeout",
            category: "timeout",
            reason: "within 2 seconds (passenger_start_timeout)"
        ),
        .start(
            "ignores-signals",
            python(
                """
                import os, signal, time
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
                if os.fork() == 0:
                    time.sleep(600)
                while True: pass
                """
            ),
            settings: ["passenger_start_timeout 2;"],
            kind: "timeout",
            category: "timeout",
            reason: "within 2 seconds (passenger_start_timeout)"
        ),
        .start(
            "never-listens",
            ["server.py": "import time\nprint('no server here', flush=True)\ntime.sleep(600)\n"],
            settings: [serverCommand, "passenger_start_timeout 2;"],
            kind: "timeout",
            category: "timeout",
            step: "listen",
            reason: "within 2 seconds (passenger_start_timeout)",
            words: ["no server here", "Nothing listens on the port in the environment variable PORT"]
        ),
        .start(
            "node-never-listens",
            node("const http = require('http'); module.exports = http.createServer(); setInterval(() => {}, 1000);"),
            settings: ["passenger_start_timeout 2;"],
            kind: "timeout",
            category: "timeout",
            reason: "within 2 seconds (passenger_start_timeout)",
            words: ["No HTTP server of this process has listened", "passenger_startup_file bin/www;"]
        ),
    ]
}
