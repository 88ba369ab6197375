// SPDX-License-Identifier: MIT

/// How the processes of an app come to be.
package enum SpawnMethod: String, Sendable, Hashable {
    /// A preloader loads the app once, and processes are forked from it.
    case smart
    /// Each process loads the app itself.
    case direct
}

extension AppSettings {
    /// How processes of an app of this type are started: Ruby smart unless told otherwise, Python smart if told so.
    ///
    /// Other languages have nothing to fork from, whatever is set for all apps of a front.
    package func spawnMethod(for type: AppType) -> SpawnMethod {
        switch type {
        case .rack, .classicRails: spawnMethod ?? .smart
        case .wsgi, .asgi: spawnMethod ?? .direct
        case .node, .generic: .direct
        }
    }
}
