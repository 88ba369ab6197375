// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport

/// One row of the tables of broken applications: what is hosted, what is asked of it, and what must come of that.
struct BrokenApp: Sendable {
    /// Host, and folder of its root.
    let name: String
    /// Texts by path below the root; none: the folder `broken` of the test applications.
    var files: [String: String] = [:]
    /// Lines for its `server` block.
    var settings: [String] = []
    /// Commands of bash, run as root in the root of the application once its files are there.
    var arrangement = ""
    var user = "games"
    let visits: [Visit]

    /// One request, and what must be seen of it.
    struct Visit: Sendable {
        /// Commands of bash, run as root in the folder that holds the root, before the request.
        var preparation = ""
        var method = "GET"
        var path = "/pid"
        let outcome: Outcome
        /// What the daemon's log says of it, in one line; each must be found.
        var log: [String] = []
        /// What the front's log says of it, in one line.
        var frontLog: [String] = []
        var process = ProcessChange.any
    }

    enum Outcome: Sendable {
        /// The application answers.
        case answer
        /// A page of the front with this status, which tells nothing of the inside.
        case page(Int, String)
        /// The answer ends before its end.
        case cutOff
        /// A failed start: a page with an error ID, and under that ID a line in the log with these facts.
        case failedStart(Failure)

        var isCutOff: Bool {
            switch self {
            case .cutOff: true
            case .answer, .page, .failedStart: false
            }
        }
    }

    struct Failure: Sendable {
        var status = 500
        let kind: String
        let category: String
        let step: String
        /// The sentence, or a part of it.
        let reason: String
        /// What the line, or the details file that it names, holds as well.
        var words: [String] = []
        /// Whether it came far enough for the user to be known.
        var hasUser = true
    }

    /// Whether the process that answers is the one that answered before.
    enum ProcessChange: Sendable { case any, same, other }
}

// MARK: Rows that do not start

extension BrokenApp {
    /// An application that is asked once, and does not start.
    static func start(
        _ name: String,
        _ files: [String: String],
        settings: [String] = [],
        arrangement: String = "",
        user: String = "games",
        kind: String,
        category: String = "app",
        step: String = "load-app",
        reason: String,
        words: [String] = [],
        hasUser: Bool = true,
        log: [String] = []
    ) -> BrokenApp {
        let failure = Failure(
            kind: kind,
            category: category,
            step: step,
            reason: reason,
            words: words,
            hasUser: hasUser
        )
        let visit = Visit(path: "/", outcome: .failedStart(failure), log: log)
        return BrokenApp(
            name: name,
            files: files,
            settings: settings,
            arrangement: arrangement,
            user: user,
            visits: [visit]
        )
    }

    static func ruby(_ text: String) -> [String: String] { ["config.ru": text + "\n"] }
    static func python(_ text: String) -> [String: String] { ["passenger_wsgi.py": text + "\n"] }
    static func node(_ text: String) -> [String: String] { ["app.js": text + "\n"] }

    /// A program of its own, `server.py`; found by detection or not, it is started by the setting that comes with it.
    static let serverCommand = "passenger_app_start_command \"/usr/bin/python3 server.py\";"
}

// MARK: Rows that break in service

extension BrokenApp {
    /// An application that answers, does what `deed` asks for, and is asked again.
    static func service(
        _ name: String,
        settings: [String] = [],
        arrangement: String = "",
        user: String = "games",
        _ deed: Visit,
        then next: ProcessChange
    ) -> BrokenApp {
        BrokenApp(
            name: name,
            settings: settings,
            arrangement: arrangement,
            user: user,
            visits: [Visit(outcome: .answer), deed, Visit(outcome: .answer, process: next)]
        )
    }
}
