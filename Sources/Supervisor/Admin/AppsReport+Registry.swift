// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import WireProtocol

/// What the fronts of a daemon have declared, at one moment.
struct DeclaredApps: Sendable {
    /// Canonical settings per group.
    var groups: [GroupKey: ByteBuffer] = [:]
    /// Those that sent a manifest.
    var fronts: [DeclaredFront] = []
}

extension FrontRegistry {
    /// Also of fronts that are away.
    var declaredApps: DeclaredApps {
        DeclaredApps(
            groups: self.groups,
            fronts: self.fronts.keys.map { DeclaredFront(uid: $0.uid, name: $0.name) }.sorted {
                ($0.uid, ExactText($0.name)) < ($1.uid, ExactText($1.name))
            }
        )
    }
}

extension AppsReport {
    /// Bytes of an answer, by estimate; well below what a frame may have.
    private static let reportBytes = Int(WireLimits.adminResponseFrame) * 3 / 4

    /// As many as there is room for after the first `count`, those of peers with authority first.
    init(_ declared: DeclaredApps, after count: Int, bytes: Int = Self.reportBytes) {
        self.init(fronts: declared.fronts)
        var left = bytes
        let keys = declared.groups.keys.sorted { Self.order($0) < Self.order($1) }
        for key in keys.dropFirst(count) {
            let app = DeclaredApp(key, declared.groups[key] ?? ByteBuffer())
            left -= app.reportBytes
            guard left > 0 || self.apps.isEmpty else {
                self.isContinued = true
                break
            }
            self.apps.append(app)
        }
    }

    private static func order(_ key: GroupKey) -> (UInt32, UInt32, ExactText) {
        (key.tenant == nil ? 0 : 1, key.tenant ?? 0, ExactText(key.name))
    }
}

extension DeclaredApp {
    fileprivate init(_ key: GroupKey, _ settings: ByteBuffer) {
        // They were read from the wire, and written by ourselves: a list that cannot be read would miss its app root.
        let entries = ((try? SettingsList(canonicalBytes: settings)) ?? SettingsList()).entries
        self.init(
            name: key.name,
            uid: key.tenant,
            settings: entries.filter { $0.name != SettingName.environmentVariable }.map {
                Setting(name: $0.name, value: $0.value)
            }
        )
    }

    /// About what it takes in an answer; a byte of a text of somebody without authority may become six there.
    fileprivate var reportBytes: Int {
        let texts = self.settings.reduce(self.name.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        return 100 + 30 * self.settings.count + (self.uid == nil ? 2 : 6) * texts
    }
}
