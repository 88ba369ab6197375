// SPDX-License-Identifier: MIT

/// What fronts have declared to a daemon, for a check of it without a front: the answer to `apps`.
///
/// An answer has room for so much; `isContinued` says that there are more apps, which the next question skips to.
package struct AppsReport: Codable, Hashable, Sendable {
    package var apps: [DeclaredApp]
    /// Fronts with authority over settings.
    package var fronts: [DeclaredFront]
    package var isContinued: Bool

    package init(apps: [DeclaredApp] = [], fronts: [DeclaredFront] = [], isContinued: Bool = false) {
        self.apps = apps
        self.fronts = fronts
        self.isContinued = isContinued
    }

    enum CodingKeys: String, CodingKey {
        case apps, fronts
        case isContinued = "continued"
    }
}

/// One app as it was declared last, whether it ever ran or not.
package struct DeclaredApp: Codable, Hashable, Sendable {
    package struct Setting: Codable, Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// `app_group_name`, by default the app root.
    package var name: String
    /// Who declared it without authority over settings; nil: somebody with it.
    package var uid: UInt32?
    /// All but its variables, which may be secrets.
    package var settings: [Setting]

    package init(name: String, uid: UInt32? = nil, settings: [Setting]) {
        self.name = name
        self.uid = uid
        self.settings = settings
    }
}

/// A front that has sent a manifest.
package struct DeclaredFront: Codable, Hashable, Sendable {
    /// Of its master.
    package var uid: UInt32
    /// What it calls itself, such as "0:/etc/flying-passenger/front-proxy.conf".
    package var name: String

    package init(uid: UInt32, name: String) {
        self.uid = uid
        self.name = name
    }
}
