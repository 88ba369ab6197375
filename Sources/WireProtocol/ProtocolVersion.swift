// SPDX-License-Identifier: MIT

/// Version of the protocol, apart from that of the product.
///
/// A new minor only adds; a program speaks its own minor and the one before it. A new major breaks.
package struct ProtocolVersion: Hashable, Sendable {
    package let major: UInt16
    package let minor: UInt16

    package init(major: UInt16, minor: UInt16) {
        self.major = major
        self.minor = minor
    }

    /// What this build speaks.
    package static let current = ProtocolVersion(major: 1, minor: 0)
}

extension ProtocolVersion: CustomStringConvertible {
    package var description: String { "\(self.major).\(self.minor)" }
}

/// The product version of this build; shown in `Hello`, logs and pages.
package enum Product {
    package static let name = "Flying Passenger"
    package static let version = "0.1.0"
    package static let nameAndVersion = "\(Self.name) \(Self.version)"
}

/// What follows from the versions of the two ends.
package enum VersionAgreement: Equatable, Sendable {
    /// Both speak this version from now on: the lower minor of the two.
    case speak(ProtocolVersion)
    /// They cannot talk; the text names both versions and products and is meant for logs and pages.
    case refused(String)

    /// Decides for one end; both ends come to the same answer if both apply it.
    package static func between(
        own: ProtocolVersion,
        ownProduct: String,
        peer: ProtocolVersion,
        peerProduct: String
    ) -> VersionAgreement {
        let lower = min(own.minor, peer.minor)
        let higher = max(own.minor, peer.minor)
        guard own.major == peer.major, higher - lower <= 1 else {
            return .refused(
                "protocol versions do not match: this side is \(ownProduct) with protocol \(own), "
                    + "the other side is \(peerProduct) with protocol \(peer); "
                    + "install front-proxy and flying-passenger of the same version"
            )
        }
        return .speak(ProtocolVersion(major: own.major, minor: lower))
    }
}
