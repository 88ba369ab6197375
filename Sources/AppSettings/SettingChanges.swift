// SPDX-License-Identifier: MIT

/// Which settings of an app differ between two lists, by what they ask of a running group.
package struct SettingChanges: Sendable, Equatable {
    /// Take effect at once.
    package var live: [String] = []
    /// Take effect only in processes started from now on, so the group is restarted.
    package var needingNewProcesses: [String] = []

    package init(live: [String] = [], needingNewProcesses: [String] = []) {
        self.live = live
        self.needingNewProcesses = needingNewProcesses
    }

    package var isEmpty: Bool { live.isEmpty && needingNewProcesses.isEmpty }
}

extension AppSettings {
    /// What changed against older settings of the same group, by name; equal meanings (`1m`, `60`, the default) are no change.
    package func changes(from old: AppSettings) -> SettingChanges {
        var changes = SettingChanges()
        let names = Set(list.entries.map(\.name)).union(old.list.entries.map(\.name))
        for name in names.sorted() {
            guard let definition = SettingCatalog.named(name) else { continue }
            guard Self.meaning(of: definition, in: list) != Self.meaning(of: definition, in: old.list) else { continue }
            switch definition.change {
            case .live: changes.live.append(name)
            case .newProcesses: changes.needingNewProcesses.append(name)
            }
        }
        return changes
    }

    private static func meaning(of definition: SettingDefinition, in list: SettingsList) -> [ExactText] {
        var values = list.values(of: definition.name)
        if values.isEmpty, let defaultValue = definition.defaultValue { values = [defaultValue] }
        // Lists were checked when they were read; a value that is not of its kind stands for itself.
        return values.map { ExactText((try? definition.kind.normalized($0)) ?? $0) }
    }
}
