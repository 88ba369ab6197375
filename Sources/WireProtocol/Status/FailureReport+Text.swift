// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// The report for people with nothing but a terminal: the details file, and the answer to `curl`.
extension FailureReport {
    private static let columns = 96

    /// Lines of at most 96 columns where that is possible; commands, and what the app wrote, stay as they are.
    ///
    /// Nothing in it is obeyed by a terminal, whatever the app wrote.
    package func text() -> String {
        let sections = [
            self.headSection, self.remedySection, self.explanationSection, self.applicationSection, self.userSection,
            self.stepSection, Self.quotation("Details", self.detail),
            Self.quotation("Output of the application, its last lines", self.output),
            Self.table("Environment of the process, secrets masked", self.variables),
            Self.table("Resource limits of the process", self.limits),
            Self.table("The machine when it failed", self.machine),
        ]
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    private var headSection: [String] {
        var facts = ["Error \(self.errorID)", UTCTime(microseconds: self.time).description, "kind \(self.kind)"]
        facts.append("category \(self.category)")
        if !self.failedStep.isEmpty { facts.append("step \(self.failedStep)") }
        return [SafeText.line(self.title), ""]
            + Self.paragraph(self.summary, indent: 2)
            + [""] + Self.paragraph(facts.joined(separator: ", "), indent: 0)
    }

    private var remedySection: [String] {
        guard !self.remedies.isEmpty else { return [] }
        return ["What to do:"]
            + self.remedies.enumerated().flatMap { index, remedy in
                let number = self.remedies.count == 1 ? "" : "\(index + 1). "
                var lines = Self.paragraph(remedy.text, indent: 2, first: number)
                if let command = remedy.command {
                    lines += SafeText.lines(command).map { Self.spaces(6) + $0 }
                }
                return lines
            }
    }

    private var explanationSection: [String] {
        guard !self.explanation.isEmpty else { return [] }
        return ["What this means:"] + Self.paragraph(self.explanation, indent: 2)
    }

    private var applicationSection: [String] {
        var rows: [Entry] = []
        func add(_ name: String, _ value: String) {
            if !value.isEmpty { rows.append(Entry(name: name, value: value)) }
        }
        if !self.app.groupName.isExactly(self.app.root) { add("group", self.app.groupName) }
        add("root", self.app.root)
        add("startup file", self.app.startupFile)
        add("type", self.app.type)
        add("environment", self.app.environment)
        add("base URI", self.app.baseURI)
        add("command", self.app.command.map(ShellWord.quoted).joined(separator: " "))
        return Self.table("Application", rows)
    }

    private var userSection: [String] {
        guard let user else { return ["User:", "  not decided when it failed"] }
        let rows = [
            Entry(name: "name", value: "\(user.name) (uid \(user.uid))"),
            Entry(name: "why", value: user.reason),
            Entry(name: "groups", value: user.groups.joined(separator: ", ")),
            Entry(name: "home", value: user.home),
        ]
        return Self.table("User", rows.filter { !$0.value.isEmpty })
    }

    private var stepSection: [String] {
        guard !self.steps.isEmpty else { return [] }
        let width = self.steps.map { SafeText.line($0.name).count }.max() ?? 0
        return ["Steps of the start:"]
            + self.steps.map { step in
                var line = "  " + Self.padded(SafeText.line(step.name), width) + "  "
                guard let time = step.microseconds else { return line + SafeText.line(step.state) }
                line += Self.padded(SafeText.line(step.state), 11)
                return line + "  " + Self.milliseconds(time)
            }
    }
}

// MARK: Pieces

extension FailureReport {
    private static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

    private static func padded(_ text: String, _ width: Int) -> String { text + self.spaces(width - text.count) }

    /// "12.3 ms".
    private static func milliseconds(_ microseconds: Int64) -> String {
        "\(microseconds / 1000).\(microseconds.magnitude / 100 % 10) ms"
    }

    /// Words filled into lines; line ends of the text are kept.
    ///
    /// `first` stands before the first line.
    private static func paragraph(_ text: String, indent: Int, first: String = "") -> [String] {
        let prefix = self.spaces(indent)
        let rest = self.spaces(indent + first.count)
        var lines: [String] = []
        for source in SafeText.lines(text) {
            var line = lines.isEmpty ? prefix + first : rest
            var isEmpty = true
            for word in source.split(separator: " ") {
                if !isEmpty, line.count + 1 + word.count > self.columns {
                    lines.append(line)
                    line = rest
                    isEmpty = true
                }
                line += isEmpty ? String(word) : " " + word
                isEmpty = false
            }
            lines.append(line)
        }
        return lines
    }

    /// What the app wrote, each line behind a mark, so that it cannot pass for a part of the report.
    private static func quotation(_ heading: String, _ text: String) -> [String] {
        guard !text.isEmpty else { return [] }
        return ["\(heading):"] + SafeText.lines(text).map { "  | " + $0 }
    }

    private static func table(_ heading: String, _ rows: [Entry]) -> [String] {
        guard !rows.isEmpty else { return [] }
        let names = rows.map { SafeText.line($0.name) }
        let width = min(24, names.map(\.count).max() ?? 0)
        return [heading + ":"]
            + zip(names, rows).map { name, row in
                let value = SafeText.line(row.value)
                return value.isEmpty ? "  " + name : "  " + self.padded(name, width) + "  " + value
            }
    }
}
