// SPDX-License-Identifier: MIT

import SpawnPlan
import Testing

@Suite struct LastWordsTests {
    private static let node = """
        /srv/board/app.js:2
        setTimeout(() => { throw new Error('late boom') }, 10)
                           ^

        Error: late boom
            at Timeout._onTimeout (/srv/board/app.js:2:79)
            at listOnTimeout (node:internal/timers:581:17)
        """

    @Test(
        arguments: [
            ("\(node)\n\nNode.js v20.20.2", "Error: late boom at /srv/board/app.js:2:79"),
            (
                "Error: x\n    at /srv/app.js:1:2 {\n  code: 'ENOENT'\n}\n\nNode.js v20.20.2\n",
                "Error: x at /srv/app.js:1:2"
            ),
            (
                "/a.js:1\nthrow 'text'\n^\ntext\n(Use `node --trace-uncaught ...` to show where it was thrown)\n\nNode.js v20",
                "text"
            ),
            (
                "a.rb:3:in `call': boom (RuntimeError)\n\tfrom a.rb:1:in `<main>'",
                "a.rb:3:in `call': boom (RuntimeError)"
            ),
            ("Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: no", "ValueError: no"),
            ("up\n  indented", "  indented"), ("Node.js v20", "Node.js v20"), ("here\r\nwe go", "we go"),
            ("\n\n", nil), ("", nil),
        ] as [(String, String?)]
    )
    func `the last line says why, not who`(output: String, line: String?) {
        #expect(LastWords.line(of: output) == line)
    }
}
