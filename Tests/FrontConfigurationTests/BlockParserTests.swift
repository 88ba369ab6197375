// SPDX-License-Identifier: MIT

import Testing

@testable import FrontConfiguration

struct BlockParserTests {
    @Test func `a file is a list of directives and blocks`() throws {
        var parser = BlockParser(files: InMemoryFiles(files: ["/f": "a 1 2;\nb { c; }"]), baseDirectory: "/")
        let directives = try parser.parse(file: "/f")
        #expect(
            directives == [
                Directive("a", ["1", "2"], location: SourceLocation(file: "/f", line: 1)),
                Directive(
                    "b",
                    [],
                    block: [Directive("c", [], location: SourceLocation(file: "/f", line: 2))],
                    location: SourceLocation(file: "/f", line: 2)
                ),
            ]
        )
    }

    @Test(arguments: [
        ("a", "directive \"a\" is not ended by \";\""), ("a { b; ", "the block opened in line 1 is not closed"),
        ("a; }", "unexpected \"}\""), ("{ a; }", "unexpected \"{\""), (";", "unexpected \";\""),
        ("listen 80\nroot /a;", "directive \"listen\" is not ended by \";\" before \"root\""),
        ("root /a\npassenger_enabled on;", "directive \"root\" is not ended by \";\" before \"passenger_enabled\""),
        ("a { b }", "directive \"b\" is not ended by \";\""), ("include;", "takes one file"),
        ("include missing;", "cannot read /etc/missing: No such file"),
    ])
    func `broken structure is an error`(text: String, message: String) {
        #expect(errors(text).first?.contains(message) == true)
        #expect(errors(text).first?.hasPrefix("/etc/front.conf:1: error: ") == true)
    }

    @Test func `includes stand in the place of their directive, in order`() throws {
        let files = [
            "/etc/sites/b.conf": "server { listen 82; root /b/public; }",
            "/etc/sites/a.conf": "server { listen 81; root /a/public; }",
            "/abs.conf": "server { listen 83; }",
        ]
        let model = try configuration("include sites/*.conf; include /abs.conf; include none/*;", files: files).model
        #expect(model.listens.map(\.address.port) == [81, 82, 83])
    }

    @Test func `diagnostics name the included file`() {
        let found = errors("\ninclude x.conf;", files: ["/etc/x.conf": "server {\n  rooot /a;\n}"])
        #expect(found == ["/etc/x.conf:2: error: unknown directive \"rooot\"; did you mean \"root\"?"])
    }

    @Test func `a file that includes itself is an error`() {
        let found = errors("include a.conf;", files: ["/etc/a.conf": "include front.conf;"])
        #expect(found.first?.contains("/etc/front.conf includes itself") == true)
    }

    @Test func `deep nesting is refused`() {
        let text = String(repeating: "a { ", count: 1_000) + String(repeating: "} ", count: 1_000)
        #expect(errors(text).first?.contains("nested too deeply") == true)
    }
}
