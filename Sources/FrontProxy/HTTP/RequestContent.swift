// SPDX-License-Identifier: MIT

import AppTransport
import NIOCore
import WireProtocol

/// Where the body of a request is.
enum RequestContent {
    case none
    case memory(ByteBuffer)
    case file(SpoolFile, length: Int)
    /// Still with the client: it is passed on as it arrives; nil: in chunks of unknown number.
    case streamed(length: Int?)

    var hasBody: Bool {
        if case .none = self { false } else { true }
    }

    var isReplayable: Bool {
        if case .streamed = self { false } else { true }
    }

    /// Whether the process takes the request in as a whole before it acts on any of it.
    ///
    /// Every server reads a head to its end first. Of bodies that is known for the session transport only. `requestBytes`
    /// counts head and body, written at once.
    func isReadAtOnce(over transport: AppTransportKind, requestBytes: Int) -> Bool {
        switch self {
        case .none: true
        case .memory: transport.isSession && requestBytes <= SessionRequestEncoder.firstReadBytes
        case .file, .streamed: false
        }
    }

    /// nil if it is not known.
    var length: Int? {
        switch self {
        case .none: 0
        case .memory(let bytes): bytes.readableBytes
        case .file(_, let length): length
        case .streamed(let length): length
        }
    }
}
