// SPDX-License-Identifier: MIT

import ShownText
import Testing

@testable import Supervisor

struct AppVerdictTests {
    @Test func `what is in order has no line, what is refused has a reason and each remedy`() {
        let fine = AppVerdict(subject: "/srv/shop", outcome: .accepted)
        #expect(fine.lines.isEmpty && !fine.isRefused)
        let refused = AppVerdict(
            subject: "/srv/blog",
            outcome: .refused(
                "the app root is writable by everybody",
                remedies: [Remedy("Take that right away:", shell: "chmod o-w \("/srv/a b")"), "Or set passenger_user."]
            ),
            warnings: ["it runs as a user of the fronts"]
        )
        #expect(
            refused.lines == [
                "/srv/blog: refused: the app root is writable by everybody",
                "    Take that right away: chmod o-w '/srv/a b'",
                "    Or set passenger_user.",
                "/srv/blog: warning: it runs as a user of the fronts",
            ]
        )
    }

    @Test func `a name that holds a line stays on its own`() {
        let verdict = AppVerdict(
            subject: "/srv/a\n/srv/b: refused: no",
            outcome: .refused("x\ny", remedies: ["a\nb"]),
            warnings: ["c\nd"]
        )
        #expect(verdict.lines.count == 3 && verdict.lines.allSatisfy { !$0.contains("\n") })
    }

    @Test func `the summary counts`() {
        let fine = AppVerdict(subject: "a", outcome: .accepted, warnings: ["w"])
        let refused = AppVerdict(subject: "b", outcome: .refused("r", remedies: []))
        #expect(AppVerdict.summary([fine]) == "1 application: none would be refused.")
        #expect(AppVerdict.summary([fine, refused, refused]) == "3 applications: 2 would be refused.")
        #expect(AppVerdict.summary([]).hasPrefix("No front has declared"))
    }
}
