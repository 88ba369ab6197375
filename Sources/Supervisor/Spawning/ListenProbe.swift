// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan

/// Finds out whether a program without a loader serves: at its port, or at the socket it inherited.
///
/// A connect to the inherited socket proves nothing, because the daemon made it listen; that a connection has left its
/// accept queue does.
struct ListenProbe {
    enum Outcome {
        case notYet
        case ready(AppAddress)
        /// Somebody else took the port first; another try may go better.
        case portTaken(port: UInt16, by: UInt32)
    }

    private let port: PortChoice
    private let uid: UInt32
    private let socketPath: String
    private let listener: SharedDescriptor
    private var waiting: SharedDescriptor?

    init(port: PortChoice, uid: UInt32, socketPath: String, listener: SharedDescriptor) {
        self.port = port
        self.uid = uid
        self.socketPath = socketPath
        self.listener = listener
    }

    /// Takes microseconds.
    ///
    /// What counts is who gets a connection to the app's address: strangers may listen at the same port of other ones.
    mutating func look() -> Outcome {
        // What cannot be asked this time is asked again the next.
        let listeners = (try? SocketDiagnosis.tcpListeners(port: self.port.port)) ?? []
        for (position, host) in self.hosts.enumerated() {
            let owners = NumericAddress.bytes(host).map { listeners.owners(at: $0) } ?? []
            if owners == [self.uid] { return .ready(.tcp(host: host, port: self.port.port, owner: self.uid)) }
            if position == 0, let other = owners.first(where: { $0 != self.uid }) {
                return .portTaken(port: self.port.port, by: other)
            }
        }
        return self.isAccepting() ? .ready(.unix(path: self.socketPath)) : .notYet
    }

    /// Where it may be reached, the likeliest first: a server told to listen on "localhost" may have taken the IPv6 address
    /// only, and all addresses are those of loopback, too.
    private var hosts: [String] {
        let address = NumericAddress.bytes(self.port.host) ?? []
        let isAnywhere = address.allSatisfy { $0 == 0 }
        switch address.count {
        case 4 where isAnywhere: return ["127.0.0.1", "::1"]
        case 4 where address[0] == 127: return [self.port.host, "::1"]
        case 16 where isAnywhere: return ["::1"]
        default: return [self.port.host]
        }
    }

    private mutating func isAccepting() -> Bool {
        if self.waiting == nil {
            guard let connection = try? UnixSocket.connect(path: self.socketPath, nonBlocking: true) else {
                return false
            }
            self.waiting = SharedDescriptor(connection)
        }
        return (try? SocketDiagnosis.acceptQueueLength(ofUnixListener: self.listener.rawValue)) == 0
    }
}
