// SPDX-License-Identifier: MIT

/// The values of a settings list, each checked and in normal form.
struct SettingsReader {
    private var values: [String: String] = [:]

    init(_ list: SettingsList) throws(SettingsError) {
        for entry in list.entries {
            guard let definition = SettingCatalog.named(entry.name), definition.name.isExactly(entry.name) else {
                throw Self.unknown(entry)
            }
            guard definition.isPushed else {
                throw SettingsError(setting: entry.name, value: entry.value, reason: "is not a setting of an app")
            }
            do throws(ValueError) {
                values[entry.name] = try definition.kind.normalized(entry.value)
            } catch {
                throw SettingsError(setting: entry.name, value: entry.value, reason: error.reason)
            }
        }
    }

    func text(_ name: String) -> String? { values[name] }

    func flag(_ name: String) -> Bool? { values[name].map { $0 == "on" } }

    func integer(_ name: String) -> Int? { values[name].flatMap { Int($0) } }

    func duration(_ name: String) -> Duration? {
        values[name].flatMap { Int($0.dropLast("ms".count)) }.map { .milliseconds($0) }
    }

    private static func unknown(_ entry: SettingsList.Entry) -> SettingsError {
        let canonical = SettingCatalog.named(entry.name)?.name ?? SettingCatalog.nearest(to: entry.name)
        let hint = canonical.map { "; did you mean \($0)?" } ?? ""
        return SettingsError(setting: entry.name, value: entry.value, reason: "is unknown\(hint)")
    }
}
