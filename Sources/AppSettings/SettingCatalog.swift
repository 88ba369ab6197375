// SPDX-License-Identifier: MIT

/// Every setting there is.
package enum SettingCatalog {
    package static let all: [SettingDefinition] = appSettings + requestSettings + globalSettings + ignoredSettings

    /// The definition of a name or one of its older spellings.
    package static func named(_ name: String) -> SettingDefinition? { byName[name] }

    /// The definition of a directive that needs no `passenger_` in front (`rails_env`).
    package static func bare(_ name: String) -> SettingDefinition? { byBareName[name] }

    /// The known name that a misspelled one most likely stands for.
    package static func nearest(to name: String) -> String? {
        Spelling.nearest(to: name, among: byName.keys)
    }

    private static let byName: [String: SettingDefinition] = Dictionary(
        all.flatMap { definition in ([definition.name] + definition.aliases).map { ($0, definition) } },
        uniquingKeysWith: { first, _ in first }
    )

    private static let byBareName: [String: SettingDefinition] = Dictionary(
        all.flatMap { definition in definition.bareNames.map { ($0, definition) } },
        uniquingKeysWith: { first, _ in first }
    )
}
