// SPDX-License-Identifier: MIT

/// The settings of one app as names and values, in canonical form: equal settings give equal lists.
///
/// Sorted by name, then value. Of a name that was given twice the last value stays; `env_var` (`NAME=VALUE`)
/// may occur once per variable.
package struct SettingsList: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }

        package static func == (left: Entry, right: Entry) -> Bool {
            left.name.isExactly(right.name) && left.value.isExactly(right.value)
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(ExactText(name))
            hasher.combine(ExactText(value))
        }
    }

    package let entries: [Entry]

    package init(_ entries: [Entry] = []) {
        var latest: [ExactText: Entry] = [:]
        latest.reserveCapacity(entries.count)
        for entry in entries { latest[Self.key(of: entry)] = entry }
        self.entries = latest.values.sorted {
            (ExactText($0.name), ExactText($0.value)) < (ExactText($1.name), ExactText($1.value))
        }
    }

    /// The value of a setting that occurs at most once.
    package subscript(name: String) -> String? {
        entries.first { $0.name.isExactly(name) }?.value
    }

    /// All values of a setting, sorted.
    package func values(of name: String) -> [String] {
        entries.filter { $0.name.isExactly(name) }.map(\.value)
    }

    /// What makes two entries one: the name, and for variables the variable's name as well.
    private static func key(of entry: Entry) -> ExactText {
        guard entry.name == SettingName.environmentVariable else { return ExactText(entry.name) }
        let variable = Substring(entry.value.utf8.prefix { $0 != UInt8(ascii: "=") })
        return ExactText("\(entry.name) \(variable)")
    }
}

extension SettingsList: CustomStringConvertible {
    /// One setting per line; values of variables are left out because they may be secrets.
    package var description: String {
        entries.map { entry in
            guard entry.name == SettingName.environmentVariable else { return "\(entry.name)=\(entry.value)" }
            return "\(entry.name)=\(entry.value.prefix { $0 != "=" })=…"
        }
        .joined(separator: "\n")
    }
}
