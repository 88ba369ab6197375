// SPDX-License-Identifier: MIT

package import NIOCore

/// Everything said on an administration connection after the tool's `Hello`.
package enum AdminMessage: Hashable, Sendable {
    case helloReply(HelloReply)
    case request(AdminRequest)
    case response(AdminResponse)
    case goodbye(Goodbye)
    case ping(UInt64)
    case pong(UInt64)
}

extension AdminMessage {
    /// The next message of a decoder; nil if more bytes are needed.
    package static func next(from decoder: inout FrameDecoder) throws(WireError) -> AdminMessage? {
        guard let frame = try decoder.nextFrame() else { return nil }
        return try AdminMessage(frame: frame)
    }

    package init(frame: Frame) throws(WireError) {
        guard let type = MessageType(rawValue: frame.type) else { throw .unexpectedType(frame.type) }
        var reader = PayloadReader(frame)
        switch type {
        case .helloReply: self = .helloReply(try HelloReply(reading: &reader))
        case .adminRequest: self = .request(AdminRequest(id: try reader.integer(), json: reader.rest()))
        case .adminResponse: self = .response(AdminResponse(id: try reader.integer(), json: reader.rest()))
        case .goodbye: self = .goodbye(Goodbye(reason: try reader.text(limit: WireLimits.reasonBytes, "reason")))
        case .ping: self = .ping(try reader.integer())
        case .pong: self = .pong(try reader.integer())
        case .hello, .attached, .manifest, .defineApp, .checkout, .cancel, .release, .upgraded, .resume, .reportQuery,
            .abandoned, .fateQuery, .reuse, .lasting,
            .appAccepted, .appRejected, .granted, .refused, .processGone, .draining, .abort, .recall, .report,
            .streamFate:
            throw .unexpectedType(frame.type)
        }
        try reader.finish()
    }

    package func write(into buffer: inout ByteBuffer) {
        switch self {
        case .helloReply(let reply): reply.write(into: &buffer)
        case .request(let request):
            buffer.writeFrame(.adminRequest) {
                $0.writeInteger(request.id)
                $0.writeImmutableBuffer(request.json)
            }
        case .response(let response):
            buffer.writeFrame(.adminResponse) {
                $0.writeInteger(response.id)
                $0.writeImmutableBuffer(response.json)
            }
        case .goodbye(let goodbye): buffer.writeFrame(.goodbye) { $0.writeText(goodbye.reason) }
        case .ping(let number): buffer.writeFrame(.ping) { $0.writeInteger(number) }
        case .pong(let number): buffer.writeFrame(.pong) { $0.writeInteger(number) }
        }
    }
}

extension AdminResponse {
    /// What stands before the JSON of a response; for answers that are shared and not copied.
    package static func writeHead(id: UInt64, jsonBytes: Int, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(clamping: 1 + MemoryLayout<UInt64>.size + jsonBytes))
        buffer.writeInteger(MessageType.adminResponse.rawValue)
        buffer.writeInteger(id)
    }
}
