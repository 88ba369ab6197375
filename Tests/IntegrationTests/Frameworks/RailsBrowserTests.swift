// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// A browser with scripts at the application: forms, and a chat over WebSockets between two pages.
    @Suite(
        .enabled(
            if: Integration.hasRails && Integration.hasNode && Machine.has("chromium"),
            "needs Rails and chromium"
        ),
        .timeLimit(.minutes(3))
    )
    struct RailsBrowserTests {
        @Test func `a browser walks through the scaffold and the chat below a prefix`() throws {
            let rails = try RailsSite(.belowPrefix)
            let outcome = try Shell.run(
                [
                    "node", "\(Repository.root)/Tests/IntegrationTests/Scripts/browser-walk.js",
                    "\(rails.visitor().origin)\(rails.prefix)",
                ],
                environment: ["NODE_PATH": "/usr/share/nodejs"]
            )
            #expect(outcome.status.isSuccess, "\(outcome.output.suffix(3000))\(rails.log().suffix(3000))")
            #expect(outcome.output.contains("list without the article\n"))
            #expect(
                outcome.output.pieces(between: "answer\n").count == 3,
                "both pages had the answer: \(outcome.output)"
            )
        }
    }
}
