// SPDX-License-Identifier: MIT

import CFlyingPassenger
import CSystemd
import Glibc

/// A listening socket that somebody else bound and passed on.
package final class InheritedListener: Sendable {
    package enum Address: Hashable, Sendable {
        case unix(path: String)
        case tcp(host: String, port: UInt16)
        case other
    }

    /// The name from `LISTEN_FDNAMES`, "unknown" when there is none.
    package let name: String
    package let address: Address
    package let descriptor: Descriptor

    package init(name: String, _ descriptor: consuming Descriptor) {
        self.name = name
        self.address = InheritedListeners.address(of: descriptor.rawValue)
        self.descriptor = descriptor
        // What it accepts takes none, either.
        if case .unix = self.address { DescriptorPassing.refuse(on: self.descriptor.rawValue) }
    }

    package var rawValue: Int32 { descriptor.rawValue }
}

/// Sockets from systemd's socket activation or a parent that speaks the same convention (sd_listen_fds(3)).
package enum InheritedListeners {
    /// The sockets meant for this process, in their order; empty when `LISTEN_PID` is not its PID.
    ///
    /// Call once, before threads exist: the variables are removed, and the descriptors become close-on-exec.
    package static func fromEnvironment() throws(SystemError) -> [InheritedListener] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(1, &names)
        if count < 0 { throw SystemError(call: "sd_listen_fds_with_names", code: -count) }
        defer { freeList(names) }
        return (0..<count).map { index in
            let name = names?[Int(index)].map { String(cString: $0) } ?? "unknown"
            return InheritedListener(name: name, Descriptor(owning: 3 + index))
        }
    }

    /// Where a listening socket is reached.
    package static func address(of socket: Int32) -> InheritedListener.Address {
        if let path = UnixSocket.boundPath(socket) { return .unix(path: path) }
        // A descriptor that is no socket has no address: `.other` says so.
        guard let address = try? SocketAddress.local(of: socket), let host = address.host else { return .other }
        return .tcp(host: host, port: address.port)
    }

    private static func freeList(_ names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) {
        guard let names else { return }
        var index = 0
        while let name = names[index] {
            free(name)
            index += 1
        }
        free(names)
    }
}
