// SPDX-License-Identifier: MIT

import AppSettings
import Testing

struct ExactTextTests {
    private static let composed = "caf\u{E9}"
    private static let decomposed = "cafe\u{301}"

    @Test func `two forms of a name are two names`() {
        #expect(Self.composed == Self.decomposed, "to String they are one")
        #expect(ExactText(Self.composed) != ExactText(Self.decomposed))
        #expect(ExactText(Self.composed) == ExactText("caf\u{E9}"[...]))
        #expect(Set([ExactText(Self.composed), ExactText(Self.decomposed), ExactText(Self.composed)]).count == 2)
        #expect([ExactText("b"), ExactText("é"), ExactText("a"), ExactText("")].sorted() == ["", "a", "b", "é"])
    }

    @Test func `a setting whose value takes another form is another one`() throws {
        let lists = [Self.composed, Self.decomposed].map { name in
            SettingsList([.init(name: "app_root", value: "/srv/\(name)"), .init(name: "env_var", value: "\(name)=1")])
        }
        #expect(lists[0] != lists[1])
        let changes = try AppSettings(lists[0]).changes(from: AppSettings(lists[1]))
        #expect(changes.needingNewProcesses == ["app_root", "env_var"])
        #expect(try AppSettings(lists[0]).changes(from: AppSettings(lists[0])).isEmpty)
        let both = SettingsList([
            .init(name: "env_var", value: "\(Self.composed)=1"), .init(name: "env_var", value: "\(Self.decomposed)=2"),
            .init(name: "env_var", value: "\(Self.composed)=3"),
        ])
        #expect(
            both.values(of: "env_var").map(ExactText.init) == [ExactText("cafe\u{301}=2"), ExactText("caf\u{E9}=3")]
        )
    }

    @Test func `what follows the sign of a variable belongs to its value`() {
        let list = SettingsList([.init(name: "env_var", value: "A=\u{338}"), .init(name: "env_var", value: "A=b")])
        #expect(list.values(of: "env_var") == ["A=b"])
    }

    @Test(arguments: [
        ("/a/b", ["a", "b"]), ("a//b/", ["a", "b"]), ("/", []), ("", []), ("/a\u{301}/b", ["a\u{301}", "b"]),
        // Marks that Swift joins to the slash behind or before them.
        ("/a/\u{301}b", ["a", "\u{301}b"]), ("/\u{600}/../x", ["\u{600}", "..", "x"]),
    ])
    func `paths are cut at slashes, whatever stands beside them`(_ path: String, _ names: [String]) {
        #expect(path.pathComponents == names)
    }
}
