// SPDX-License-Identifier: MIT

/// What an instance directory says about its daemon (`instance.json`); the tools find the daemon by it.
package struct InstanceRecord: Codable, Hashable, Sendable {
    package static let fileName = "instance.json"
    package static let adminSocketName = "admin.sock"
    package static let lockName = "lock"
    /// What the name of every instance directory begins with; the instance's name follows.
    package static let directoryPrefix = "passenger."

    package var name: String
    /// The main process (watchdog).
    package var pid: Int32
    /// Start time of that process in clock ticks since boot, so that a reused PID is not taken for it.
    package var processStartTime: UInt64
    package var uid: UInt32
    package var version: String
    /// As given to the daemon, made absolute.
    package var socketPath: String
    /// Microseconds since the epoch.
    package var startedAt: Int64

    package init(
        name: String,
        pid: Int32,
        processStartTime: UInt64,
        uid: UInt32,
        version: String,
        socketPath: String,
        startedAt: Int64
    ) {
        self.name = name
        self.pid = pid
        self.processStartTime = processStartTime
        self.uid = uid
        self.version = version
        self.socketPath = socketPath
        self.startedAt = startedAt
    }

    enum CodingKeys: String, CodingKey {
        case name, pid, uid, version
        case processStartTime = "process_start_time"
        case socketPath = "socket_path"
        case startedAt = "started_at"
    }
}

/// Where instance directories lie.
package enum InstanceRegistry {
    package static let environmentVariable = "PASSENGER_INSTANCE_REGISTRY_DIR"

    /// A place to look for instances, and who must own it.
    package struct Place: Hashable, Sendable {
        package let path: String
        /// nil: named by the user, who answers for it.
        package let owner: UInt32?

        package init(path: String, owner: UInt32?) {
            self.path = path
            self.owner = owner
        }
    }

    /// Where a daemon puts its instance directory.
    package static func place(
        option: String?,
        uid: UInt32,
        environment: (String) -> String?
    ) -> Place {
        if let named = self.named(option: option, environment: environment) { return named }
        return self.defaults(uid: uid, environment: environment)[uid == 0 ? 0 : 1]
    }

    /// Where a tool looks, in this order.
    package static func searchPlaces(
        option: String?,
        uid: UInt32,
        environment: (String) -> String?
    ) -> [Place] {
        if let named = self.named(option: option, environment: environment) { return [named] }
        var seen: Set<String> = []
        return self.defaults(uid: uid, environment: environment).filter { seen.insert($0.path).inserted }
    }

    /// Where a daemon of root's has its instance directory, and by custom its socket.
    package static let rootDirectory = "/run/flying-passenger"

    private static func named(option: String?, environment: (String) -> String?) -> Place? {
        for path in [option, environment(self.environmentVariable)] {
            if let path, !path.isEmpty { return Place(path: path, owner: nil) }
        }
        return nil
    }

    /// Root's, the user's runtime directory, the one in /tmp; at least two.
    private static func defaults(uid: UInt32, environment: (String) -> String?) -> [Place] {
        let runtime = environment("XDG_RUNTIME_DIR").flatMap { path in
            path.utf8.first == UInt8(ascii: "/") ? Place(path: path + "/flying-passenger", owner: uid) : nil
        }
        return [Place(path: self.rootDirectory, owner: 0)]
            + [runtime, Place(path: "/tmp/flying-passenger-\(uid)", owner: uid)].compactMap(\.self)
    }
}
