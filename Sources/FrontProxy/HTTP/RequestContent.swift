// SPDX-License-Identifier: MIT

import NIOCore

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
