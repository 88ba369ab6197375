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

    /// Takes microseconds as long as nothing listens.
    mutating func look() -> Outcome {
        // What cannot be asked this time is asked again the next.
        if let owners = try? Set(SocketDiagnosis.tcpListeners(port: self.port.port).map(\.uid)), !owners.isEmpty {
            if let other = owners.first(where: { $0 != self.uid }) {
                return .portTaken(port: self.port.port, by: other)
            }
            if let host = self.reachableHost() {
                return .ready(.tcp(host: host, port: self.port.port, owner: self.uid))
            }
        }
        return self.isAccepting() ? .ready(.unix(path: self.socketPath)) : .notYet
    }

    /// A server told to listen on "localhost" may have taken the IPv6 address only.
    private func reachableHost() -> String? {
        let hosts = self.port.host.hasPrefix("127.") ? [self.port.host, "::1"] : [self.port.host]
        return hosts.first { host in
            (try? TCPSocket.connect(host: host, port: self.port.port, timeout: .milliseconds(20))) != nil
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
