// SPDX-License-Identifier: MIT

/// What a connection is for.
package enum PeerRole: UInt8, CaseIterable, Sendable {
    case control = 1
    case stream = 2
    case admin = 3
}

/// Optional abilities; both ends use what both name.
package enum WireFeature {
    /// `Attached` may hand over the app's own socket; counts where the `Hello` of a stream names it.
    package static let handedOverStreams: UInt64 = 1 << 0
    /// A front may keep a session after its answer until `Recall`.
    package static let keptSessions: UInt64 = 1 << 1
    /// A front may continue sessions and checkouts with a new core by `Resume`.
    package static let resume: UInt64 = 1 << 2
    /// A front may ask for the details of a failed start by `ReportQuery`.
    package static let failureReports: UInt64 = 1 << 3

    /// The daemon ends sessions whose answer nobody waits for, told by `Abandoned`.
    package static let abandonedSessions: UInt64 = 1 << 4
    /// `Granted` may say `AppTransportKind.framedSession`.
    package static let framedBodies: UInt64 = 1 << 5
    /// `Checkout` says the host that was asked for.
    package static let requestHosts: UInt64 = 1 << 6
    /// `Attached` numbers streams, and a front may ask by `FateQuery` why one ended.
    package static let streamFates: UInt64 = 1 << 7

    /// What this build can do.
    package static let supported =
        handedOverStreams | keptSessions | failureReports | abandonedSessions | framedBodies | requestHosts
        | streamFates

    /// What `supported` consists of, by name.
    package static let names: KeyValuePairs = [
        "handed-over-streams": handedOverStreams, "kept-sessions": keptSessions, "failure-reports": failureReports,
        "abandoned-sessions": abandonedSessions, "framed-bodies": framedBodies, "request-hosts": requestHosts,
        "stream-fates": streamFates,
    ]

    /// What this build can do without those whose name `isMissing`, as an older build of it would.
    package static func supported(without isMissing: (String) -> Bool) -> UInt64 {
        names.reduce(supported) { features, feature in
            isMissing(feature.key) ? features & ~feature.value : features
        }
    }
}

/// First frame of every connection, sent by whoever connects.
///
/// Magic, version and product keep their place in every major, so that a refusal can name both ends.
package struct Hello: Hashable, Sendable {
    package static let magic: UInt32 = 0x464C_5950  // "FLYP"

    package var version: ProtocolVersion
    package var product: String
    package var role: PeerRole
    package var features: UInt64
    package var frontName: String
    package var workerToken: WorkerToken?
    package var streamToken: StreamToken?

    package init(
        version: ProtocolVersion = .current,
        product: String = Product.nameAndVersion,
        role: PeerRole,
        frontName: String = "",
        workerToken: WorkerToken? = nil,
        streamToken: StreamToken? = nil,
        features: UInt64 = WireFeature.supported
    ) {
        self.version = version
        self.product = product.clamped(toUTF8: WireLimits.productBytes)
        self.role = role
        self.features = features
        self.frontName = frontName.clampedTail(toUTF8: WireLimits.frontNameBytes)
        self.workerToken = workerToken
        self.streamToken = streamToken
    }
}

/// A `Hello` of another major: only its head can be read.
package struct ForeignHello: Hashable, Sendable {
    package var version: ProtocolVersion
    package var product: String

    package init(version: ProtocolVersion, product: String) {
        self.version = version
        self.product = product.clamped(toUTF8: WireLimits.productBytes)
    }
}

/// The daemon's answer to a `Hello`; with a refusal it is the last frame of the connection.
package struct HelloReply: Hashable, Sendable {
    package var version: ProtocolVersion
    package var product: String
    /// For people, readable in every major; names both versions if these are the cause.
    package var refusal: String?
    package var features: UInt64
    /// The highest manifest generation known of the front that said hello; 0 if none.
    package var highestGeneration: UInt64

    package init(
        version: ProtocolVersion = .current,
        product: String = Product.nameAndVersion,
        features: UInt64 = WireFeature.supported,
        highestGeneration: UInt64 = 0,
        refusal: String? = nil
    ) {
        self.version = version
        self.product = product.clamped(toUTF8: WireLimits.productBytes)
        self.refusal = refusal?.clamped(toUTF8: WireLimits.reasonBytes)
        self.features = features
        self.highestGeneration = highestGeneration
    }
}

/// The daemon's answer to the `Hello` of a stream that is connected: opaque bytes follow.
package struct Attached: Hashable, Sendable {
    package enum Mode: UInt8, CaseIterable, Sendable {
        /// The daemon copies bytes to and from the app on this very connection.
        case relayed = 0
        /// The app's socket came with this frame (`SCM_RIGHTS`); needs `WireFeature.handedOverStreams`.
        ///
        /// The front answers with the byte `taken` and closes this connection; without it the daemon shuts the socket.
        case handedOver = 1
    }

    /// What a front sends once it has the socket that was handed over.
    package static let taken: UInt8 = 1

    package var mode: Mode
    /// Needs `WireFeature.streamFates`, named in the `Hello` of the stream.
    package var number: StreamNumber?

    package init(mode: Mode, number: StreamNumber? = nil) {
        self.mode = mode
        self.number = number
    }
}
