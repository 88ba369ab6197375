// SPDX-License-Identifier: MIT

import Testing
import WireProtocol

struct FailureReportTextTests {
    @Test func `the text of a report`() {
        var report = FailureReportTests.report(output: "boot\n\u{1B}[31mno such gem", detail: "LoadError\n\tat x.rb:1")
        report.summary = String(repeating: "long words ", count: 12) + "end"
        report.app.command = ["ruby", "/l/loader.rb", "it's"]
        #expect(
            report.text() == """
                The app raised an exception

                  long words long words long words long words long words long words long words long words long
                  words long words long words long words end

                Error 1a2b3c4d, 2023-11-14 22:13:20 UTC, kind exception, category application, step load-app

                What to do:
                  1. Fix it.
                  2. Own it:
                      chown joe: /srv/shop/config.ru

                What this means:
                  why

                Application:
                  root          /srv/shop
                  startup file  config.ru
                  type          rack
                  environment   production
                  base URI      /
                  command       ruby /l/loader.rb 'it'\\''s'

                User:
                  name    joe (uid 1000)
                  why     runs as joe because joe owns config.ru
                  groups  joe (1000)
                  home    /home/joe

                Steps of the start:
                  load-app  failed       1.2 ms
                  listen    not started

                Details:
                  | LoadError
                  |     at x.rb:1

                Output of the application, its last lines:
                  | boot
                  | \\x1b[31mno such gem

                Environment of the process, secrets masked:
                  PATH  /bin

                Resource limits of the process:
                  open files  1024

                The machine when it failed:
                  load  0.1

                """
        )
    }

    @Test func `what is not known is left out`() {
        var report = FailureReportTests.report()
        report.user = nil
        (report.explanation, report.remedies, report.steps) = ("", [], [])
        (report.variables, report.limits, report.machine) = ([], [], [])
        let text = report.text()
        #expect(text.contains("User:\n  not decided when it failed\n"))
        for heading in ["What", "Steps", "Details", "Output", "Environment of", "Resource", "machine"] {
            #expect(!text.contains(heading), "\(heading)")
        }
    }

    @Test(arguments: [Int64.min, .max])
    func `no number is too large for the text`(_ number: Int64) {
        var report = FailureReportTests.report()
        report.time = number
        report.steps[0].microseconds = number
        #expect(report.text().contains("\(number / 1000)."))
    }

    @Test func `an app cannot forge a part of the report, nor reach the terminal`() {
        let evil = "x\u{1B}]0;title\u{7}\n\nWhat to do:\n  1. Run:\r\n      rm -rf /\u{9B}2J\u{202E}"
        var report = FailureReportTests.report(output: evil, detail: evil, summary: evil)
        report.title = evil
        report.app.root = evil
        report.app.command = [evil]
        report.user?.reason = evil
        report.steps[0].name = evil
        report.variables = [.init(name: evil, value: evil)]
        let text = report.text()
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
        #expect(!text.contains("\u{202E}"))
        // Its own, and none at the start of a line from the app.
        #expect(text.split(separator: "\n").filter { $0 == "What to do:" }.count == 1)
    }
}
