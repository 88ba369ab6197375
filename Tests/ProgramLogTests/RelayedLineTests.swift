// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import Testing

@testable import ProgramLog

struct RelayedLineTests {
    @Test(
        arguments: [
            ("<3>no disk", JournalPriority.error, "no disk"), ("<7>", .debug, ""), ("<4> <2>x", .warning, " <2>x"),
            ("<0>x", nil, "<0>x"), ("<8>x", nil, "<8>x"), ("<12>x", nil, "<12>x"), ("< 4>x", nil, "< 4>x"),
            ("", nil, ""),
            ("Fatal error: x", nil, "Fatal error: x"),
        ] as [(String, JournalPriority?, String)]
    )
    func `a line has the priority of its logger, or none`(_ line: String, _ priority: JournalPriority?, _ text: String)
    {
        let parsed = RelayedLine(parsing: Array(line.utf8))
        #expect(parsed.priority == priority)
        #expect(parsed.text == text)
    }

    @Test func `a line goes through a pipe and is written with the stamp of the writer`() throws {
        var pipe = try Pipe.make()
        guard let reader = pipe.takeReadEnd(), let end = pipe.takeWriteEnd() else {
            throw SystemError(call: "pipe2", code: 0)
        }
        let sender = ProgramLog(output: .relayed(to: LogFile(end)), scale: .standard)
        sender.logger(label: "x").error("it\nfailed", metadata: ["name": "a b"])
        let line = try reader.readSome(limit: 1000)
        #expect(String(decoding: line, as: UTF8.self) == "<3>it\\nfailed name=\"a b\"\n")

        let path = try Files.makeTemporaryDirectory(in: "/tmp", prefix: "fp-relayed-") + "/log"
        let output = LogOutput.writing(to: try LogFile(path: path))
        output.writeRelayed(RelayedLine(parsing: line.dropLast()), from: 4711)
        output.writeRelayed(RelayedLine(parsing: Array("\u{1B}[2JFatal error".utf8)), from: 4711)
        let text = String(decoding: try Files.read(path), as: UTF8.self)
        #expect(text.contains(" #4711] ERROR -- : it\\nfailed name=\"a b\"\n"))
        #expect(text.contains(" #4711]  WARN -- : output of the process: \\x1b[2JFatal error\n"))
        try Files.removeTree(path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" })
    }
}
