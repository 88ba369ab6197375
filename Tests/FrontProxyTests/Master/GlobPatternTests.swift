// SPDX-License-Identifier: MIT

import Testing

@testable import FrontProxy

struct GlobPatternTests {
    @Test(arguments: [
        ("*", "a.conf", true), ("*.conf", "a.conf", true), ("*.conf", "a.conf.bak", false),
        ("*.conf", ".a.conf", false),
        (".*", ".a", true), ("a?c", "abc", true), ("a?c", "ac", false), ("[ab]x", "ax", true), ("[ab]x", "cx", false),
        ("[!ab]x", "cx", true), ("[a-c]*", "beta", true), ("[a-c]*", "delta", false), ("a*b*c", "axxbyyc", true),
        ("a*b*c", "axxbyy", false), ("plain", "plain", true), ("plain", "plane", false), ("[", "[", true),
        ("**", "x", true),
        ("*", "", true), ("?", "", false),
    ])
    func `names are matched as in the shell`(pattern: String, name: String, isMatch: Bool) {
        #expect(GlobPattern(pattern).matches(name) == isMatch)
    }

    @Test func `a text without signs is no pattern`() {
        #expect(!GlobPattern("sites").isPattern)
        #expect(!GlobPattern("[").isPattern)
        #expect(GlobPattern("s*").isPattern)
    }
}
