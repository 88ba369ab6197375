// SPDX-License-Identifier: MIT

import ShownText
import Testing

@Suite struct RemedyTests {
    private static let evil = "/srv/d: chmod 4755 /x #"

    @Test(arguments: [
        ("/srv/shop", "/srv/shop"), ("", "''"), ("a b", "'a b'"), ("it's", #"'it'\''s'"#),
        ("$(x)`y`;&|<>*?", "'$(x)`y`;&|<>*?'"),
        (evil, "'\(evil)'"), ("größe", "'größe'"), ("a\nb", #"$'a\nb'"#), ("a\u{1B}'\\\t\r", #"$'a\x1b\'\\\t\r'"#),
        ("a\u{202E}b", #"$'a\xe2\x80\xaeb'"#), ("#x", "'#x'"), ("~", "'~'"), ("!x", "'!x'"),
    ])
    func `a word is one word of a shell`(word: String, quoted: String) {
        #expect(ShellWord.quoted(word) == quoted)
    }

    @Test func `whatever is interpolated stays a word`() {
        let path = Self.evil
        #expect(Remedy("Do:", shell: "chmod o+x \(path)").command == "chmod o+x '/srv/d: chmod 4755 /x #'")
        #expect(Remedy("Do:", shell: "ls \(path) \(3)").command == "ls '/srv/d: chmod 4755 /x #' 3")
    }

    @Test func `a line within a line is a part of it, or one word`() {
        let list: ShellLine = "cd \("a b") && ls"
        #expect(Remedy("Do:", shell: "sudo \(list)").command == "sudo cd 'a b' && ls")
        #expect(Remedy("Do:", shell: "sudo sh -c \(script: list)").command == #"sudo sh -c 'cd '\''a b'\'' && ls'"#)
    }

    @Test(arguments: ["a\u{FFFD}b", "a\0b"])
    func `what cannot be typed is no command`(path: String) {
        #expect(Remedy("Look at it:", shell: "ls \(path)") == Remedy("Look at it."))
        #expect(Remedy("Set it:", configuration: "root \(path);") == Remedy("Set it."))
    }

    @Test func `sh is not asked for what only bash knows`() {
        let list: ShellLine = "cd \("a\nb") && ls"
        #expect(Remedy("Do:", shell: list).command == #"cd $'a\nb' && ls"#)
        #expect(Remedy("Do:", shell: "sh -c \(script: list)").command == nil)
    }

    @Test(arguments: [
        ("/srv/shop", "passenger_x /srv/shop;"), ("a b", #"passenger_x "a b";"#), (#"a"\"#, #"passenger_x "a\"\\";"#),
        ("a;b{}#", #"passenger_x "a;b{}#";"#), ("a\nb", #"passenger_x "a\nb";"#), ("", #"passenger_x "";"#),
        ("a'b", #"passenger_x "a'b";"#), ("a$b", nil), ("a\u{1B}", nil), ("a\u{202E}", nil),
    ])
    func `a word of the configuration is one in its own grammar`(word: String, line: String?) {
        #expect(Remedy("Set it:", configuration: "passenger_x \(word);").command == line)
    }

    @Test func `a line has the command alone where the sentence says no more`() {
        #expect(Remedy(typing: "chmod g-w \("/srv/team")").inLine == "chmod g-w /srv/team")
        #expect(
            Remedy("If it is joe's, type:", shell: "chown joe /srv").inLine == "If it is joe's, type: chown joe /srv"
        )
        #expect(Remedy("Type: x").inLine == "Type: x" && !Remedy(typing: "ls \("a\0")").inLine.hasSuffix(":"))
    }

    @Test func `half a command is worse than none`() {
        let remedy = Remedy("Grüße", shell: "ls \(String(repeating: "x", count: 100))")
        #expect(remedy.bounded(text: 100, command: 200) == remedy)
        #expect(remedy.bounded(text: 3, command: 50) == Remedy("Gr"))
    }
}
