// SPDX-License-Identifier: MIT

import ShownText

/// What a daemon would do with one app, or with a file of its own, and what is to be told about it.
struct AppVerdict: Equatable {
    enum Outcome: Equatable {
        case accepted
        case refused(String, remedies: [Remedy])
    }

    /// What it is about: the name of an app as status and log have it, or a flag with its value.
    let subject: String
    let outcome: Outcome
    var warnings: [String] = []

    var isRefused: Bool { self.outcome != .accepted }

    /// Nothing for what is in order; names and reasons come from outside, and stay on their lines.
    var lines: [String] {
        let subject = SafeText.line(self.subject)
        let warnings = self.warnings.map { "\(subject): warning: \(SafeText.line($0))" }
        guard case .refused(let reason, let remedies) = self.outcome else { return warnings }
        let advice = remedies.map { "    \(SafeText.line($0.description))" }
        return ["\(subject): refused: \(SafeText.line(reason))"] + advice + warnings
    }

    /// The last line about apps.
    static func summary(_ verdicts: [AppVerdict]) -> String {
        let refused = verdicts.count(where: \.isRefused)
        let apps = verdicts.count == 1 ? "1 application" : "\(verdicts.count) applications"
        guard !verdicts.isEmpty else { return "No front has declared an application to this daemon since its start." }
        return refused == 0 ? "\(apps): none would be refused." : "\(apps): \(refused) would be refused."
    }
}
