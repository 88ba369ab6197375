// SPDX-License-Identifier: MIT

import WireProtocol

/// The friendly page: why an application did not start and what to do about it, for whoever develops or operates it.
///
/// What to do comes first, then what the application said, beside it as whom and where it was started, and what is
/// rarely needed folded away. No script, nothing from elsewhere.
struct FailurePage {
    let report: FailureReport
    let status: Int
    let product: String

    var document: HTML {
        HTML.document(
            title: "\(self.title) - \(self.report.app.groupName)",
            style: PageStyle.failure,
            body: """
                <header>
                <p class="kind">\(self.occasion)</p>
                <h1>\(self.title)</h1>
                <p class="summary">\(self.report.summary)</p>
                \(self.paragraph(self.report.explanation, as: "explanation"))</header>
                <main>
                <div class="column">
                \(self.remedies)\(self.detail)\(self.output)</div>
                <div class="column">
                \(self.user)\(self.app)\(self.journey)</div>
                \(self.surroundings)</main>
                \(self.footer)
                """
        )
    }

    private var title: String { self.report.title.isEmpty ? "The application did not start" : self.report.title }

    private var occasion: HTML {
        self.report.kind == "crash" ? "The application does not stay up" : "The application could not be started"
    }

    private func paragraph(_ text: String, as name: HTML) -> HTML {
        text.isEmpty ? .none : "<p class=\"\(name)\">\(text)</p>\n"
    }

    private var footer: HTML {
        """
        <footer>
        <p>Error ID <code>\(self.report.errorID)</code></p>
        <p>\(UTCTime(microseconds: self.report.time).description)</p>
        <p>\(self.product), answered with status \(self.status)</p>
        <p>Not for visitors? Set <code>passenger_friendly_error_pages off;</code></p>
        </footer>

        """
    }
}
