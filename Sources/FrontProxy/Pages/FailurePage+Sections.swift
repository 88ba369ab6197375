// SPDX-License-Identifier: MIT

import AppSettings
import ShownText
import WireProtocol

// The parts of the friendly page; those without content are left out.
extension FailurePage {
    private func section(_ id: HTML, _ heading: HTML, _ content: HTML) -> HTML {
        "<section aria-labelledby=\"\(id)\">\n<h2 id=\"\(id)\">\(heading)</h2>\n\(content)</section>\n"
    }

    // MARK: What to do, and what was said

    var remedies: HTML {
        guard !self.report.remedies.isEmpty else { return .none }
        let items = self.report.remedies.map { remedy -> HTML in
            guard let command = remedy.command else { return "<li>\(remedy.text)</li>\n" }
            return """
                <li>\(remedy.text)
                <pre class="command" tabindex="0"><code>\(Self.words(ofCommand: command))</code></pre></li>

                """
        }
        return self.section("remedies", "What to do", "<ol>\n\(items)</ol>\n")
    }

    /// Shown on several lines when it is long, but never broken behind the dash of an option.
    private static func words(ofCommand command: String) -> HTML {
        let words = command.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            .map { "<span>\(String(decoding: $0, as: UTF8.self))</span>" as HTML }
        return words.dropFirst().reduce(words.first ?? .none) { "\($0) \($1)" }
    }

    var detail: HTML {
        guard !self.report.detail.isEmpty else { return .none }
        return self.section("detail", "What went wrong, in detail", Self.log(self.report.detail))
    }

    var output: HTML {
        guard !self.report.output.isEmpty else { return .none }
        return self.section("output", "The last lines that it wrote", Self.log(self.report.output))
    }

    /// A line break right behind `<pre>` is dropped by browsers, so this one is no part of the text.
    private static func log(_ text: String) -> HTML {
        "<pre class=\"log\" tabindex=\"0\">\n\(text)</pre>\n"
    }

    // MARK: As whom, what, and how far

    var user: HTML {
        guard let user = self.report.user else {
            return self.section("user", "Runs as", "<p class=\"soft\">The user was not decided yet.</p>\n")
        }
        return self.section(
            "user",
            "Runs as",
            """
            <dl>
            <dt>User</dt><dd><strong>\(user.name)</strong> (uid \(user.uid))</dd>
            \(Self.fact("Why", user.reason))\(Self.fact("Groups", user.groups.joined(separator: ", ")))\
            \(Self.code("Home", user.home))</dl>

            """
        )
    }

    var app: HTML {
        let app = self.report.app
        let type = [app.type, app.environment].filter { !$0.isEmpty }.joined(separator: ", ")
        return self.section(
            "app",
            "Application",
            """
            <dl>
            \(Self.code("Root", app.root))\
            \(app.groupName.isExactly(app.root) ? .none : Self.code("Name", app.groupName))\
            \(Self.code("Startup file", app.startupFile))\
            \(Self.fact("Type and environment", type))\
            \(Self.code("Base URI", app.baseURI))\
            \(Self.code("Command", app.command.map(ShellWord.quoted).joined(separator: " ")))</dl>

            """
        )
    }

    private static func fact(_ name: HTML, _ value: String) -> HTML {
        value.isEmpty ? .none : "<dt>\(name)</dt><dd>\(value)</dd>\n"
    }

    private static func code(_ name: HTML, _ value: String) -> HTML {
        value.isEmpty ? .none : "<dt>\(name)</dt><dd class=\"mono\">\(value)</dd>\n"
    }

    var journey: HTML {
        guard !self.report.steps.isEmpty else { return .none }
        let rows = self.report.steps.map { step -> HTML in
            """
            <tr class="\(Self.mark(step, self.report.failedStep))"><th scope="row">\(Self.words(step.name))</th>\
            <td>\(step.state)</td><td>\(step.microseconds.map(Self.duration) ?? "")</td></tr>

            """
        }
        return self.section("journey", "How far it came", "<table class=\"steps\"><tbody>\n\(rows)</tbody></table>\n")
    }

    private static func mark(_ step: FailureReport.Step, _ failedStep: String) -> HTML {
        if step.state == "failed" || step.name == failedStep { return "failed" }
        return step.state == "done" ? "done" : "idle"
    }

    private static func words(_ name: String) -> String {
        name.split(separator: "-", omittingEmptySubsequences: false).joined(separator: " ")
    }

    /// With three digits at most, in the unit that suits.
    static func duration(_ microseconds: Int64) -> String {
        switch microseconds {
        case ..<0: return ""
        case ..<1_000: return "\(microseconds) µs"
        case ..<10_000: return "\(microseconds / 1_000).\(microseconds % 1_000 / 100) ms"
        case ..<1_000_000: return "\(microseconds / 1_000) ms"
        case ..<100_000_000: return "\(microseconds / 1_000_000).\(microseconds % 1_000_000 / 100_000) s"
        default: return "\(microseconds / 1_000_000) s"
        }
    }

    // MARK: Surroundings

    var surroundings: HTML {
        let count = self.report.variables.count
        let parts: [HTML] = [
            Self.entries("Environment", "\(count) variables, secrets masked", self.report.variables),
            Self.entries("Limits", "of the process", self.report.limits),
            Self.entries("Machine", "when it failed", self.report.machine),
        ]
        guard parts.contains(where: { !$0.text.isEmpty }) else { return .none }
        return "<section class=\"wide\" aria-label=\"Surroundings\">\n\(parts)</section>\n"
    }

    private static func entries(_ heading: HTML, _ note: HTML, _ entries: [FailureReport.Entry]) -> HTML {
        guard !entries.isEmpty else { return .none }
        let rows = entries.map { "<tr><th scope=\"row\">\($0.name)</th><td>\($0.value)</td></tr>\n" as HTML }
        return """
            <details><summary>\(heading) <span class="soft">\(note)</span></summary>
            <table class="entries"><tbody>
            \(rows)</tbody></table></details>

            """
    }
}
