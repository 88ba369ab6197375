// SPDX-License-Identifier: MIT

/// The whole configuration of a front.
package struct FrontModel: Sendable {
    /// A listening address and what was said about its socket.
    package struct Listen: Sendable, Hashable {
        package let address: ListenAddress
        package var backlog: Int?

        package init(address: ListenAddress, backlog: Int? = nil) {
            self.address = address
            self.backlog = backlog
        }
    }

    /// Path of the daemon's socket.
    package var flyWith: String?
    package var user: String?
    /// nil: the user's primary group.
    package var userGroup: String?
    /// Path; nil: standard error.
    package var errorLog: String?
    /// nil: not said.
    package var errorLogLevel: ErrorLogLevel?
    package var pidFile: String?
    /// Event loops; nil: one per core.
    package var threads: Int?
    /// Client connections per event loop (`worker_connections`); nil: no limit.
    package var workerConnections: Int?
    /// Limit of the worker on open files (`worker_rlimit_nofile`); nil: as many as may be.
    package var workerOpenFiles: Int?
    /// Every distinct address, in the order of the file.
    package var listens: [Listen]
    package var servers: [ServerModel]
    /// Every app once, by `FrontApp.id`.
    package var apps: [FrontApp]
    /// Routes name them by index.
    package var accessLogs: [AccessLogModel]
    /// How long a client may take to send the head of a request.
    package var clientHeaderTimeout: Duration
    /// How long a kept connection may be silent; routes may say otherwise once a request is known.
    package var keepaliveTimeout: Duration
    package var showVersionInHeader: Bool
    /// Accounts whose processes on this machine are proxies of ours; nil: the usual ones that exist.
    package var trustedUsers: [String]?
    /// Where bodies spill to; nil: `$TMPDIR` or `/tmp`.
    package var dataBufferDirectory: String?
    /// Bytes of a response that may be spilled before reading from the app stops.
    package var responseBufferHighWatermark: Int
    /// What a check before the start looks at, in the order of the file.
    package var subjects: [MachineSubject] = []
    private let hosts: [ListenAddress: VirtualHosts]

    package init(
        listens: [Listen] = [],
        servers: [ServerModel] = [],
        defaultServers: [ListenAddress: ServerModel] = [:],
        apps: [FrontApp] = []
    ) {
        self.listens = listens
        self.servers = servers
        self.apps = apps
        accessLogs = []
        clientHeaderTimeout = .seconds(60)
        keepaliveTimeout = .seconds(75)
        showVersionInHeader = true
        responseBufferHighWatermark = 134_217_728
        var hosts: [ListenAddress: VirtualHosts] = [:]
        for listen in listens {
            let here = servers.filter { $0.listens.contains(listen.address) }
            guard let fallback = defaultServers[listen.address] ?? here.first else { continue }
            hosts[listen.address] = VirtualHosts(listen: listen.address, servers: here, defaultServer: fallback)
        }
        self.hosts = hosts
    }

    /// The servers of an address; an address that nobody declared answers every request with "not found".
    package func virtualHosts(on listen: ListenAddress) -> VirtualHosts {
        hosts[listen] ?? Self.nobody
    }

    /// The route of a request; per request use `virtualHosts(on:)`, which is looked up once per connection.
    package func route(listen: ListenAddress, host: String, path: String) -> RouteModel {
        virtualHosts(on: listen).route(host: host, path: path)
    }

    private static let nobody = VirtualHosts(
        listen: .unix(path: "/"),
        servers: [],
        defaultServer: ServerModel(names: [], listens: [], mounts: [])
    )
}
