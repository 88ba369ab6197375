// SPDX-License-Identifier: MIT

import Testing

@testable import AppSettings

struct SettingsListTests {
    private func list(_ pairs: (String, String)...) -> SettingsList {
        SettingsList(pairs.map { SettingsList.Entry(name: $0.0, value: $0.1) })
    }

    @Test func `the order in which settings were given does not matter`() {
        #expect(list(("user", "joe"), ("app_root", "/a")) == list(("app_root", "/a"), ("user", "joe")))
    }

    @Test func `of a setting given twice the last value stays`() {
        let settings = list(("user", "joe"), ("user", "ann"))
        #expect(settings.entries.count == 1)
        #expect(settings["user"] == "ann")
    }

    @Test func `variables stay side by side and are told apart by their names`() {
        let settings = list(("env_var", "A=1"), ("env_var", "B=2"), ("env_var", "A=3"))
        #expect(settings.values(of: "env_var") == ["A=3", "B=2"])
    }

    @Test func `the description hides values of variables`() {
        let text = list(("env_var", "TOKEN=secret"), ("app_root", "/a")).description
        #expect(!text.contains("secret"))
        #expect(text.contains("env_var=TOKEN=…"))
    }
}
