// SPDX-License-Identifier: MIT

import AppSettings

/// Who may do what at the daemon's socket, decided by the peer's uid alone.
package struct PeerPolicy: Sendable {
    package enum Standing: Hashable, Sendable {
        /// Root, the daemon's own user, `--trust-user`: any settings, manifests.
        case trusted
        /// A user of `--front-user`: the settings of its front's manifest, else owner settings.
        case worker
        /// Nothing at all.
        case stranger
    }

    /// The most that a peer without authority may ask for.
    package struct DaemonMaxima: Hashable, Sendable {
        package var maxPoolSize: Int
        package var maxRequestQueueSize: Int
        package var maxTimeLimit: Duration

        package init(
            maxPoolSize: Int? = nil,
            maxRequestQueueSize: Int = 10_000,
            maxTimeLimit: Duration = .seconds(3600)
        ) {
            self.maxPoolSize = maxPoolSize ?? DaemonDefaults.maxPoolSize
            self.maxRequestQueueSize = maxRequestQueueSize
            self.maxTimeLimit = maxTimeLimit
        }
    }

    package var daemonUID: UInt32
    package var trustedUIDs: Set<UInt32>
    package var frontUIDs: Set<UInt32>
    /// Directories below which peers without authority may name app roots; none means nowhere.
    package var appRootAllow: [String]
    package var daemonMaxima: DaemonMaxima

    package init(
        daemonUID: UInt32,
        trustedUIDs: Set<UInt32> = [],
        frontUIDs: Set<UInt32> = [],
        appRootAllow: [String] = [],
        daemonMaxima: DaemonMaxima = DaemonMaxima()
    ) {
        self.daemonUID = daemonUID
        self.trustedUIDs = trustedUIDs
        self.frontUIDs = frontUIDs
        self.appRootAllow = appRootAllow
        self.daemonMaxima = daemonMaxima
    }

    package func standing(of uid: UInt32) -> Standing {
        if uid == 0 || uid == self.daemonUID || self.trustedUIDs.contains(uid) { return .trusted }
        return self.frontUIDs.contains(uid) ? .worker : .stranger
    }

    // MARK: Owner settings

    /// Why a peer without authority may not push these settings; nil if it may.
    func objection(toOwnerSettings settings: AppSettings) -> String? {
        for entry in settings.list.entries {
            guard let definition = SettingCatalog.named(entry.name), definition.isOwnerSetting else {
                return "setting \(entry.name) needs a manifest from a front with authority (its master runs as root, "
                    + "as the daemon's user, or as a --trust-user)"
            }
            guard definition.mayBeSetByOwner(to: entry.value) else {
                return "setting \(entry.name) \"\(entry.value)\" needs a manifest from a front with authority"
            }
        }
        return self.objection(toAppRoot: settings.appRoot) ?? self.objection(toSizesOf: settings)
    }

    private func objection(toAppRoot path: String) -> String? {
        guard let root = Self.components(of: path) else {
            return "app root \"\(path)\" is not an absolute path without . and .."
        }
        let allowed = self.appRootAllow.contains { directory in
            guard let allowed = Self.components(of: directory) else { return false }
            return root.count > allowed.count && root.starts(with: allowed, by: { $0.elementsEqual($1) })
        }
        guard !allowed else { return nil }
        return "app root \"\(path)\" is not below a directory of the daemon's --app-root-allow"
    }

    private func objection(toSizesOf settings: AppSettings) -> String? {
        let maxima = self.daemonMaxima
        for (name, value) in [("max_instances", settings.maxInstances), ("min_instances", settings.minInstances)] {
            guard value <= maxima.maxPoolSize else {
                return "setting \(name) is over the daemon's \(maxima.maxPoolSize)"
            }
        }
        let queue = settings.maxRequestQueueSize
        guard queue > 0, queue <= maxima.maxRequestQueueSize else {
            return "setting max_request_queue_size is over the daemon's \(maxima.maxRequestQueueSize)"
        }
        let limits = [settings.maxRequestTime, settings.startTimeout, settings.shutdownTimeout]
        guard limits.allSatisfy({ $0 <= maxima.maxTimeLimit }) else {
            return "a time limit is over the daemon's \(maxima.maxTimeLimit.components.seconds) s"
        }
        return nil
    }

    /// The names of an absolute path; nil if it holds `.` or `..`, or is relative.
    ///
    /// Cut at bytes as the kernel does it: for Swift, a slash and a combining accent behind it are one character.
    private static func components(of path: String) -> [Substring.UTF8View]? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        let names = path.utf8.split(separator: UInt8(ascii: "/"))
        return names.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) } ? nil : names
    }
}
