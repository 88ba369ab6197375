// SPDX-License-Identifier: MIT

import FrontConfiguration
import TestSupport
import Testing

/// Small files whose first line says what `nginx -t` makes of them, and what is said here: `ok`, or a part of the message.
struct QuotingTests {
    struct Fixture: CustomTestStringConvertible {
        let name: String
        let text: String
        let isAcceptedByNginx: Bool
        let verdict: String

        var testDescription: String { name }

        init?(name: String, text: String) {
            guard let line = text.split(separator: "\n").first, let here = line.firstRange(of: "; here: ") else {
                return nil
            }
            self.name = name
            self.text = text
            isAcceptedByNginx = line.hasPrefix("# nginx accepts")
            verdict = String(line[here.upperBound...])
        }
    }

    private static let folder = "\(Repository.root)/Tests/FrontConfigurationTests/Fixtures/quoting"
    static let fixtures = TestFile.names(in: folder).compactMap { name in
        Fixture(name: name, text: (try? TestFile.text("\(folder)/\(name)")) ?? "")
    }

    @Test func `there are fixtures, each with a verdict`() {
        #expect(Self.fixtures.count >= 60)
        #expect(Self.fixtures.count == TestFile.names(in: Self.folder).count)
    }

    @Test(arguments: fixtures)
    func `what nginx reads is read, or the message says what is not supported`(_ fixture: Fixture) {
        let found = errors(fixture.text)
        guard fixture.verdict != "ok" else {
            #expect(fixture.isAcceptedByNginx && found.isEmpty, "\(found)")
            return
        }
        #expect(found.contains { $0.contains(fixture.verdict) }, "\(found)")
    }
}
