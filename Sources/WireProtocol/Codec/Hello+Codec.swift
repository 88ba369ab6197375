// SPDX-License-Identifier: MIT

package import NIOCore

/// What a first frame turned out to be.
package enum ReceivedHello: Hashable, Sendable {
    case hello(Hello)
    /// Of another major; to be answered with a refusal.
    case foreign(ForeignHello)

    /// Reads the first frame of a connection.
    ///
    /// Bytes after the last known field are allowed here and only here: a later minor may append fields.
    package init(frame: Frame) throws(WireError) {
        guard frame.type == MessageType.hello.rawValue else { throw .unexpectedType(frame.type) }
        var reader = PayloadReader(frame)
        let magic: UInt32 = try reader.integer()
        guard magic == Hello.magic else { throw .wrongMagic(magic) }
        let version = try ProtocolVersion(reading: &reader)
        let product = try reader.text(limit: WireLimits.productBytes, "product")
        guard version.major == ProtocolVersion.current.major else {
            self = .foreign(ForeignHello(version: version, product: product))
            return
        }
        let role: PeerRole = try reader.choice("role")
        let features: UInt64 = try reader.integer()
        let frontName = try reader.text(limit: WireLimits.frontNameBytes, "front name")
        let workerToken = try reader.optional("worker token presence") { reader throws(WireError) in
            try WorkerToken(reading: &reader)
        }
        let streamToken = try reader.optional("stream token presence") { reader throws(WireError) in
            try StreamToken(reading: &reader)
        }
        self = .hello(
            Hello(
                version: version,
                product: product,
                role: role,
                frontName: frontName,
                workerToken: workerToken,
                streamToken: streamToken,
                features: features
            )
        )
    }
}

extension Hello {
    package func write(into buffer: inout ByteBuffer) {
        buffer.writeFrame(.hello) { buffer in
            buffer.writeInteger(Self.magic)
            self.version.write(into: &buffer)
            buffer.writeText(self.product)
            buffer.writeInteger(self.role.rawValue)
            buffer.writeInteger(self.features)
            buffer.writeText(self.frontName)
            buffer.writeOptional(self.workerToken) { $1.write(into: &$0) }
            buffer.writeOptional(self.streamToken) { $1.write(into: &$0) }
        }
    }
}

extension HelloReply {
    init(reading reader: inout PayloadReader) throws(WireError) {
        let magic: UInt32 = try reader.integer()
        guard magic == Hello.magic else { throw .wrongMagic(magic) }
        let version = try ProtocolVersion(reading: &reader)
        let product = try reader.text(limit: WireLimits.productBytes, "product")
        let refusal = try reader.optional("refusal presence") { reader throws(WireError) in
            try reader.text(limit: WireLimits.reasonBytes, "refusal")
        }
        guard version.major == ProtocolVersion.current.major else {
            _ = reader.rest()
            self.init(version: version, product: product, features: 0, refusal: refusal)
            return
        }
        let features: UInt64 = try reader.integer()
        let generation: UInt64 = try reader.integer()
        _ = reader.rest()  // a later minor may append fields
        self.init(
            version: version,
            product: product,
            features: features,
            highestGeneration: generation,
            refusal: refusal
        )
    }

    package func write(into buffer: inout ByteBuffer) {
        buffer.writeFrame(.helloReply) { buffer in
            buffer.writeInteger(Hello.magic)
            self.version.write(into: &buffer)
            buffer.writeText(self.product)
            buffer.writeOptional(self.refusal) { $0.writeText($1) }
            buffer.writeInteger(self.features)
            buffer.writeInteger(self.highestGeneration)
        }
    }
}

extension ProtocolVersion {
    init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(major: try reader.integer(), minor: try reader.integer())
    }

    func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(self.major)
        buffer.writeInteger(self.minor)
    }
}

extension WorkerToken {
    init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(high: try reader.integer(), low: try reader.integer())
    }

    func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(self.high)
        buffer.writeInteger(self.low)
    }
}

extension StreamToken {
    init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(high: try reader.integer(), low: try reader.integer())
    }

    func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(self.high)
        buffer.writeInteger(self.low)
    }
}
