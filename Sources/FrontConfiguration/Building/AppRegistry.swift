// SPDX-License-Identifier: MIT

import AppSettings

/// The apps of a configuration, one per group name.
struct AppRegistry {
    private(set) var all: [FrontApp] = []
    private var known: [ExactText: (app: FrontApp, place: SourceLocation)] = [:]
    private var warnedGroups: Set<ExactText> = []

    /// The app of a group; the first declaration counts, a different one later is a conflict to warn about.
    mutating func add(
        _ settings: AppSettings,
        at place: SourceLocation
    ) -> (app: FrontApp, conflict: Diagnostic?) {
        let name = ExactText(settings.groupName)
        guard let existing = known[name] else {
            let app = FrontApp(id: all.count, groupName: name.text, settings: settings.list)
            all.append(app)
            known[name] = (app, place)
            return (app, nil)
        }
        guard existing.app.settings != settings.list, warnedGroups.insert(name).inserted else {
            return (existing.app, nil)
        }
        let conflict = place.warning(
            "app \(name) was declared with other settings at \(existing.place.file):\(existing.place.line), which are "
                + "used here too; give one of them a passenger_app_group_name of its own to keep them apart"
        )
        return (existing.app, conflict)
    }
}
