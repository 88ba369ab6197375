// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem

/// The listening sockets of a master, bound by it or passed on by a parent.
struct ListenerTable: Sendable {
    struct Entry: Sendable {
        let socket: SharedDescriptor
        /// A parent keeps it as well: what waits in its queue is for whoever comes after.
        let isInherited: Bool
        /// The socket's file, which is removed in the end.
        let unixListener: UnixSocketFile?
    }

    private(set) var entries: [ListenAddress: Entry] = [:]
    private var unused: [InheritedListener]

    /// `inherited` are the sockets that a parent passed on.
    init(inherited: [InheritedListener] = []) {
        unused = inherited
    }

    /// The table for the addresses of a new configuration: sockets that exist are kept, missing ones bound.
    ///
    /// Nothing is closed: entries that are not wanted any more end with the older table.
    func updated(for listens: [FrontModel.Listen]) throws -> ListenerTable {
        var table = self
        table.entries = [:]
        for listen in listens {
            if let existing = entries[listen.address] {
                table.entries[listen.address] = existing
            } else {
                table.entries[listen.address] = try table.make(listen)
            }
        }
        return table
    }

    /// The sockets that a parent passed on, as addresses.
    var inheritedAddresses: [ListenAddress] { unused.compactMap(Self.address) }

    /// What of the parent's sockets the configuration has no use for.
    var unusedDescriptions: [String] {
        unused.map { listener in
            switch listener.address {
            case .unix(let path): "unix:\(path)"
            case .tcp(let host, let port): ListenAddress.tcp(host: host, port: port).description
            case .other: "a descriptor that is no socket to listen on (\(listener.name))"
            }
        }
    }

    private mutating func make(_ listen: FrontModel.Listen) throws -> Entry {
        if let index = unused.firstIndex(where: { Self.matches($0, listen.address) }) {
            let listener = unused.remove(at: index)
            let socket = SharedDescriptor(try listener.descriptor.duplicated())
            return Entry(socket: socket, isInherited: true, unixListener: nil)
        }
        return try Self.bind(listen)
    }

    private static func bind(_ listen: FrontModel.Listen) throws -> Entry {
        let backlog = Int32(clamping: listen.backlog ?? 2048)
        do throws(SystemError) {
            switch listen.address {
            case .tcp(let host, let port):
                let listener = try TCPListener.bind(host: host, port: port, backlog: backlog, nonBlocking: true)
                let socket = SharedDescriptor(listener.takeDescriptor())
                return Entry(socket: socket, isInherited: false, unixListener: nil)
            case .unix(let path):
                // Clients of any user connect to a web server, as with nginx.
                let listener = try UnixListener.bind(path: path, mode: 0o666, backlog: backlog, nonBlocking: true)
                let socket = SharedDescriptor(try Descriptor.duplicating(listener.rawValue))
                return Entry(socket: socket, isInherited: false, unixListener: UnixSocketFile(listener))
            }
        } catch {
            throw StartError("cannot listen on \(listen.address): \(Self.reason(error))")
        }
    }

    private static func reason(_ error: SystemError) -> String {
        if error.isAddressInUse { return "another program listens there already" }
        if error.isPermissionDenied { return "\(error.reason) (ports below 1024 need root rights)" }
        return error.reason
    }

    private static func matches(_ listener: InheritedListener, _ address: ListenAddress) -> Bool {
        self.address(listener) == address
    }

    private static func address(_ listener: InheritedListener) -> ListenAddress? {
        switch listener.address {
        case .unix(let path): .unix(path: path)
        case .tcp(let host, let port): .tcp(host: host, port: port)
        case .other: nil
        }
    }
}

/// The file of a Unix socket that was bound here.
final class UnixSocketFile: Sendable {
    private let listener: UnixListener

    init(_ listener: consuming UnixListener) {
        self.listener = listener
    }

    func unlinkIfOwn() { listener.unlinkIfOwn() }
}
