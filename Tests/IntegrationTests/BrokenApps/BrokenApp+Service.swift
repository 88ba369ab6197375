// SPDX-License-Identifier: MIT

extension BrokenApp {
    /// Applications that are well until they are asked for something.
    static let services: [BrokenApp] = output + ends + connections + servers + means + odds + [removed]

    private static let output: [BrokenApp] = [
        .service(
            "flood",
            Visit(
                path: "/flood?\(floodMebibytes)",
                outcome: .answer,
                log: ["lines left out: the application prints more than is logged"],
                process: .same
            ),
            then: .same
        ),
        .service(
            "endless",
            Visit(path: "/endless-line?\(floodMebibytes)", outcome: .answer, process: .same),
            then: .same
        ),
        .service(
            "bytes",
            Visit(path: "/strange-bytes", outcome: .answer, log: ["control characters"], process: .same),
            then: .same
        ),
        .service("no-output", Visit(path: "/close-output", outcome: .answer, process: .same), then: .same),
    ]

    private static let ends: [BrokenApp] = [
        .service(
            "exits",
            Visit(
                method: "POST",
                path: "/exit?7",
                outcome: .page(502, "ended before it had answered"),
                log: ["process ended without having been asked to", "exit code 7"],
                frontLog: ["status=502"]
            ),
            then: .other
        ),
        .service(
            "crashes",
            Visit(
                method: "POST",
                path: "/crash",
                outcome: .page(502, "ended before it had answered"),
                log: ["process ended without having been asked to", "SIGSEGV"]
            ),
            then: .other
        ),
        .service(
            "kills-itself",
            Visit(
                method: "POST",
                path: "/kill",
                outcome: .page(502, "ended before it had answered"),
                log: ["process ended without having been asked to", "SIGKILL"]
            ),
            then: .other
        ),
        .service(
            "half-an-answer",
            Visit(
                path: "/half",
                outcome: .cutOff,
                log: ["process ended without having been asked to", "exit code 3"]
            ),
            then: .other
        ),
        .service(
            "stops",
            settings: ["passenger_max_request_time 1;"],
            Visit(
                method: "POST",
                path: "/stop",
                outcome: .page(504, "longer for the request than it is allowed to"),
                log: ["process is killed"]
            ),
            then: .other
        ),
    ]

    private static let connections: [BrokenApp] = [
        .service(
            "no-http",
            Visit(
                method: "POST",
                path: "/garbage",
                outcome: .page(502, "not valid HTTP"),
                frontLog: ["malformed", "status=502"]
            ),
            then: .other
        ),
        .service("long-head", Visit(path: "/long-head", outcome: .page(502, "not valid HTTP")), then: .any),
        .service("nonsense", Visit(path: "/nonsense", outcome: .answer, process: .same), then: .any),
        .service("no-control", Visit(path: "/close-control", outcome: .answer, process: .same), then: .any),
        .service("no-listener", Visit(path: "/close-listener", outcome: .answer, process: .same), then: .any),
        .service(
            "nothing-open",
            Visit(method: "POST", path: "/close-everything", outcome: .page(502, "")),
            then: .other
        ),
    ]

    /// Programs that serve by themselves, each in its own way.
    private static let servers: [BrokenApp] = [
        server(
            "answers-nonsense",
            "connection.sendall(b'\\x00\\xff no HTTP\\r\\n\\r\\n')",
            .page(502, "not valid HTTP")
        ),
        server("answers-nothing", "pass", .page(502, "ended before it had answered")),
        server(
            "answers-half",
            "connection.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 99\\r\\n\\r\\nhalf')",
            .cutOff
        ),
        server(
            "sleeps",
            "time.sleep(3)",
            settings: ["passenger_read_timeout 1;"],
            .page(504, "did not answer in time")
        ),
    ]

    private static func server(
        _ name: String,
        _ answer: String,
        settings: [String] = [],
        _ outcome: Outcome
    ) -> BrokenApp {
        let text = """
            import socket, time
            server = socket.socket(fileno=3)
            while True:
                connection, _ = server.accept()
                connection.recv(65536)
                try:
                    \(answer)
                except OSError:
                    pass
                connection.close()

            """
        return BrokenApp(
            name: name,
            files: ["server.py": text],
            settings: [serverCommand] + settings,
            visits: [Visit(outcome: outcome), Visit(outcome: outcome)]
        )
    }

    private static let means: [BrokenApp] = [
        .service(
            "memory",
            Visit(path: "/exhaust", outcome: .page(500, ""), log: ["MemoryError"]),
            then: .same
        ),
        .service("bomb", user: "irc", Visit(path: "/bomb?48", outcome: .answer, process: .same), then: .same),
        .service("child", Visit(path: "/child", outcome: .answer, process: .same), then: .same),
        .service("daemon", Visit(path: "/daemon?6", outcome: .answer, process: .same), then: .same),
    ]

    /// What lies about in the root is looked at with every request, and never opened.
    private static let odds: [BrokenApp] = [
        .arranged("restart-fifo", "mkdir tmp; mkfifo tmp/restart.txt tmp/always_restart"),
        .arranged("restart-directory", "mkdir -p tmp/restart.txt"),
        .arranged("restart-loop", "mkdir tmp; ln -s restart.txt tmp/restart.txt"),
        .arranged("restart-device", "mkdir tmp; ln -s /dev/zero tmp/restart.txt"),
        .arranged("restart-secret", "mkdir tmp; ln -s /etc/shadow tmp/restart.txt"),
        .arranged("tmp-loop", "ln -s tmp tmp"),
        .arranged("tmp-file", "echo no directory > tmp"),
        .arranged("tmp-elsewhere", "ln -s /proc/self tmp"),
    ]

    /// What runs goes on; what would have to be started anew cannot be.
    private static let removed = BrokenApp(
        name: "removed",
        visits: [
            Visit(outcome: .answer),
            Visit(preparation: "rm -r removed", outcome: .answer, process: .same),
            Visit(method: "POST", path: "/exit?0", outcome: .page(502, "ended before it had answered")),
            Visit(
                outcome: .failedStart(
                    Failure(
                        kind: "app-root-missing",
                        category: "file-system",
                        step: "prepare",
                        reason: "the app root",
                        hasUser: false
                    )
                )
            ),
        ]
    )

    private static func arranged(_ name: String, _ arrangement: String) -> BrokenApp {
        .service(name, arrangement: arrangement, Visit(outcome: .answer, process: .same), then: .same)
    }
}
