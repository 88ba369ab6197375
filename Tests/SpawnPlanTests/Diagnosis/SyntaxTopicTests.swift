// SPDX-License-Identifier: MIT

import AppSettings
import ShownText
import Testing

@testable import SpawnPlan

/// What Ruby 3.1, Python 3.11 and Node 20 printed, word for word.
struct SyntaxTopicTests {
    struct Case: Sendable {
        let type: AppType
        let output: String
        let place: String
    }

    static let cases: [Case] = [
        Case(
            type: .rack,
            output: "config.ru:1: syntax error, unexpected end-of-input, expecting ')'\ndef x(\n      ^",
            place: "/srv/shop/config.ru, line 1"
        ),
        Case(
            type: .rack,
            output: "/srv/shop/lib/a.rb:7: unterminated string meets end of file\nputs \"a\n       ^",
            place: "/srv/shop/lib/a.rb, line 7"
        ),
        Case(
            type: .wsgi,
            output: """
                Traceback (most recent call last):
                  File "/srv/shop/passenger_wsgi.py", line 3, in <module>
                    import views
                  File "/srv/shop/views.py", line 12
                    def x(:
                          ^
                SyntaxError: invalid syntax
                """,
            place: "/srv/shop/views.py, line 12"
        ),
        Case(
            type: .wsgi,
            output: """
                  File "/srv/shop/views.py", line 2
                    pass
                    ^
                IndentationError: expected an indented block after function definition on line 1
                """,
            place: "/srv/shop/views.py, line 2"
        ),
        Case(
            type: .node,
            output: """
                /srv/shop/app.js:2



                SyntaxError: Unexpected end of input
                    at wrapSafe (node:internal/modules/cjs/loader:1464:18)
                    at Module._compile (node:internal/modules/cjs/loader:1495:20)
                """,
            place: "/srv/shop/app.js, line 2"
        ),
        Case(
            type: .node,
            output: "file:///srv/shop/app.mjs:9\nimport {\n\nSyntaxError: Unexpected token '{'\n    at x (node:x:1)",
            place: "/srv/shop/app.mjs, line 9"
        ),
    ]

    @Test(arguments: cases)
    func `the place of a syntax error, and how to check it`(test: Case) throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: test.output, type: test.type)
        #expect(diagnosis.kind == .syntaxError)
        #expect(diagnosis.remedies.first?.text == "Correct \(test.place), then check it with:")
        #expect(diagnosis.commands.first?.hasPrefix("sudo -u joe -H ") == true)
        let file = test.place.prefix { $0 != "," }
        #expect(diagnosis.commands.first?.hasSuffix(" \(file)") == true, "\(diagnosis.commands)")
    }

    @Test func `the place may stand in the details only`() throws {
        let failure = DiagnosisBench.failure(
            summary: "SyntaxError: invalid syntax",
            detail: Self.cases[2].output,
            output: "SyntaxError: somewhere else",
            type: .wsgi
        )
        #expect(try DiagnosisBench.diagnosis(failure).remedies.first?.text.contains("views.py, line 12") == true)
    }

    @Test func `without a place the message has to do`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: "SyntaxError: odd", type: .generic)
        #expect(diagnosis.kind == .syntaxError)
        #expect(diagnosis.commands == [])
    }

    @Test func `a file with an odd name is quoted`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(
            printing: "  File \"/srv/shop/it's; reboot.py\", line 1\nSyntaxError: x",
            type: .wsgi
        )
        #expect(diagnosis.commands.first?.hasSuffix(#"'/srv/shop/it'\''s; reboot.py'"#) == true)
    }
}
