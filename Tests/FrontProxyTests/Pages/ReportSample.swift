// SPDX-License-Identifier: MIT

import ShownText
import WireProtocol

extension FailureReport {
    /// A missing gem, with everything that a report can hold.
    static let sample = FailureReport(
        errorID: "0badcafe",
        time: 1_900_000_000_000_000,
        category: "app",
        kind: "missing-gem",
        title: "A gem is missing",
        summary: "cannot load such file -- sinatra (LoadError)",
        app: .init(
            groupName: "shop",
            root: "/srv/shop",
            startupFile: "/srv/shop/config.ru",
            type: "rack",
            environment: "development",
            baseURI: "/",
            command: ["/usr/bin/ruby", "/run/a b.rb"]
        )
    ) {
        $0.explanation = "The application asks for a library that is not installed."
        $0.remedies = [
            .init("Install the gems of the Gemfile.", shell: "sudo -u joe bundle install"),
            .init("Or add it there."),
        ]
        $0.detail = "config.ru:3:in `require'\n\tfrom config.ru:3"
        $0.output = "booting\n"
        $0.failedStep = "load-app"
        $0.steps = [
            .init(name: "prepare", state: "done", microseconds: 812),
            .init(name: "load-app", state: "failed", microseconds: 1_234_567),
            .init(name: "listen", state: "not started", microseconds: nil),
        ]
        $0.user = .init(
            name: "joe",
            uid: 1000,
            groups: ["joe (1000)", "adm (4)"],
            home: "/home/joe",
            reason: "runs as joe because joe owns config.ru"
        )
        $0.variables = [.init(name: "PATH", value: "/usr/bin:/bin"), .init(name: "SECRET_KEY", value: "******")]
        $0.limits = [.init(name: "open files", value: "1024 (at most 4096)")]
        $0.machine = [.init(name: "load", value: "0.1 0.2 0.3")]
    }

    /// The same text wherever an application, or its files, decide what stands in a report.
    static func everywhere(_ text: String) -> FailureReport {
        var report = sample
        report.title = text
        report.summary = text
        report.explanation = text
        report.remedies = [Remedy(text)] + Self.received(command: text)
        report.detail = text
        report.output = text
        report.failedStep = text
        report.steps = [.init(name: text, state: text, microseconds: 1)]
        report.app = .init(
            groupName: text,
            root: text + "/",
            startupFile: text,
            type: text,
            environment: text,
            baseURI: text,
            command: [text]
        )
        report.user = .init(name: text, uid: 1, groups: [text], home: text, reason: text)
        report.variables = [.init(name: text, value: text)]
        report.limits = report.variables
        report.machine = report.variables
        report.errorID = text
        return report
    }

    /// What another daemon might send: the front takes nobody's word that a command is harmless.
    private static func received(command: String) -> [Remedy] {
        var report = sample
        report.remedies = [Remedy("x", shell: "COMMAND")]
        let json = String(decoding: report.json() ?? [], as: UTF8.self)
        let text = json.replacing("COMMAND", with: SafeText.jsonString(command))
        return FailureReport(json: Array(text.utf8))?.remedies ?? []
    }
}
