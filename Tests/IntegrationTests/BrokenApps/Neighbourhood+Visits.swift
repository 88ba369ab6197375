// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Neighbourhood {
    /// Dozens of starts at a time, some of which take all processors: on a busy machine they wait for each other.
    private static let patience = Duration.seconds(120)

    /// Asks all of these applications for their first page at once, then looks at what each one answered.
    func visitTogether(_ apps: [BrokenApp]) throws {
        let connections = try apps.map { app in
            let connection = try HTTPConnection(port: site.port, limit: Self.patience)
            if let visit = app.visits.first { try connection.send(Self.text(of: visit, to: app)) }
            return connection
        }
        for (app, connection) in zip(apps, connections) {
            guard let visit = app.visits.first else { continue }
            try judge(app, visit, Result { try connection.readResponse() }, before: nil)
        }
    }

    /// Makes the visits to one application, one after the other.
    func visit(_ app: BrokenApp) throws {
        var before: Int32?
        for visit in app.visits {
            if !visit.preparation.isEmpty {
                let outcome = try Shell.script("set -e\n\(visit.preparation)", in: site.directory.file("apps"))
                #expect(outcome.status.isSuccess, "\(app.name): \(outcome.output)")
            }
            let connection = try HTTPConnection(port: site.port, limit: Self.patience)
            try connection.send(Self.text(of: visit, to: app))
            before = try judge(app, visit, Result { try connection.readResponse() }, before: before) ?? before
        }
    }

    private static func text(of visit: BrokenApp.Visit, to app: BrokenApp) -> String {
        let length = visit.method == "POST" ? "Content-Length: 0\r\n" : ""
        return "\(visit.method) \(visit.path) HTTP/1.1\r\nHost: \(app.name).localhost\r\n\(length)\r\n"
    }

    /// The process that answered, if one did.
    @discardableResult
    private func judge(
        _ app: BrokenApp,
        _ visit: BrokenApp.Visit,
        _ result: Result<HTTPResponse, any Error>,
        before: Int32?
    ) throws -> Int32? {
        let what: Comment = "\(app.name) \(visit.method) \(visit.path): \(Self.summary(of: result))"
        guard (try? result.get()) != nil || visit.outcome.isCutOff else {
            Issue.record(what)
            return nil
        }
        try expectLines(visit.log, in: site.daemonLog, what)
        try expectLines(visit.frontLog, in: site.frontLog, what)
        switch visit.outcome {
        case .cutOff:
            #expect(throws: HTTPConnection.Failure.self, what) { try result.get() }
            return nil
        case .answer:
            let response = try result.get()
            #expect(response.status == 200, what)
            switch visit.process {
            case .any: break
            case .same: #expect(before == nil || response.pid == before, what)
            case .other: #expect(response.pid != before, what)
            }
            return response.pid
        case .page(let status, let words):
            let response = try result.get()
            #expect(response.status == status && response.text.contains(words), what)
            return nil
        case .failedStart(let failure):
            try expect(failure, of: app, in: try result.get(), what)
            return nil
        }
    }

    private func expect(
        _ failure: BrokenApp.Failure,
        of app: BrokenApp,
        in response: HTTPResponse,
        _ what: Comment
    ) throws {
        #expect(response.status == failure.status, what)
        #expect(response.header("cache-control")?.contains("no-store") == true, what)
        #expect(String(validating: response.body, as: UTF8.self) != nil, what)
        let id = try #require(response.text.firstMatch(of: #/Error ID: (?:<code>)?([0-9a-f]{8})/#), what).output.1
        let line = try #require(try failureLine(String(id)), what)
        let own = try Accounts.user(id: CurrentProcess.effectiveUID)?.name ?? ""
        let user = Machine.isRoot ? app.user : own
        let facts = [
            "kind=\(failure.kind) ", "category=\(failure.category) ", "journey-step=\(failure.step) ", failure.reason,
        ]
        for fact in facts + (failure.hasUser ? ["user=\(user) "] : []) {
            #expect(line.contains(fact), "\(app.name): \(fact) in \(line.prefix(3000))")
        }
        let path = try #require(line.firstMatch(of: #/details="?([^" ]+)/#), "\(line.prefix(3000))").output.1
        let details = try TestFile.text(String(path))
        #expect(details.contains(id), what)
        // Whatever the application printed, nothing of it reaches a terminal that shows the file.
        #expect(!details.utf8.contains { $0 < 0x20 && $0 != 0x0A && $0 != 0x09 || $0 == 0x7F }, what)
        for words in failure.words {
            #expect(details.contains(words), "\(app.name): \(words) in\n\(details.prefix(6000))")
        }
        // What the log holds is for the operator only.
        #expect(!response.text.contains("broken on purpose") && !response.text.contains(site.directory.path), what)
    }

    /// All of them are read at once: a flood leaves megabytes in the log.
    private func failureLine(_ id: String) throws -> Substring? {
        func found() -> Substring? { failures.first { $0.contains("error-id=\(id)") } }
        if let line = found() { return line }
        failures = try Self.lines(with: "process could not be started", in: site.daemonLog)
        return found()
    }

    private func expectLines(_ words: [String], in log: String, _ what: Comment) throws {
        guard !words.isEmpty else { return }
        do {
            try eventually("a line with \(words) in the log", within: .seconds(10)) {
                try Self.line(with: words, in: log) != nil
            }
        } catch {
            Issue.record(error, what)
        }
    }

    private static func line(with words: [String], in log: String) throws -> Substring? {
        try lines(with: words.first ?? "", in: log).first { line in words.allSatisfy { line.contains($0) } }
    }

    private static func lines(with words: String, in log: String) throws -> [Substring] {
        try Shell.run(["grep", "-aF", "--", words, log]).output.split(separator: "\n")
    }

    private static func summary(of result: Result<HTTPResponse, any Error>) -> String {
        switch result {
        case .success(let response): "\(response.status) \(response.text.suffix(700))"
        case .failure(let error): "\(error)"
        }
    }
}
