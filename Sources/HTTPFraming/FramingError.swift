// SPDX-License-Identifier: MIT

/// Why bytes are not an acceptable HTTP/1.1 message.
package enum FramingError: Error, Hashable, Sendable {
    case malformedRequestLine
    case malformedStatusLine
    case malformedField
    case invalidTarget
    case unsupportedVersion
    /// A `CONNECT` request, a method longer than any, or a transfer coding other than `chunked`.
    case notImplemented
    case requestLineTooLong
    case headTooLarge
    case tooManyConnectionOptions
    case missingHost
    case ambiguousHost
    case invalidHost
    case invalidContentLength
    case conflictingContentLengths
    case contentLengthWithTransferEncoding
    case invalidTransferEncoding
    case malformedChunk
    case trailersTooLarge
    case upgradeWithBody
    case upgradeOnHead
    case tooManyInterimAnswers

    /// The status of the answer when a request broke the rule.
    package var status: Int {
        switch self {
        case .unsupportedVersion: 505
        case .notImplemented: 501
        case .requestLineTooLong: 414
        case .headTooLarge, .trailersTooLarge: 431
        case .malformedRequestLine, .malformedStatusLine, .malformedField, .invalidTarget, .missingHost,
            .ambiguousHost, .invalidHost, .invalidContentLength, .conflictingContentLengths,
            .contentLengthWithTransferEncoding, .invalidTransferEncoding, .malformedChunk, .upgradeWithBody,
            .upgradeOnHead, .tooManyConnectionOptions, .tooManyInterimAnswers:
            400
        }
    }
}

extension FramingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformedRequestLine: "the request line is not of the form METHOD SP TARGET SP HTTP/1.x CR LF"
        case .malformedStatusLine: "the status line is not of the form HTTP/1.x SP CODE SP REASON CR LF"
        case .malformedField: "a header line is not of the form NAME: VALUE CR LF"
        case .invalidTarget: "the request target contains a character that is not allowed or has no valid form"
        case .unsupportedVersion: "the HTTP version is not 1.0 or 1.1"
        case .notImplemented: "the method or transfer coding is not implemented"
        case .requestLineTooLong: "the request line is longer than the limit"
        case .headTooLarge: "the header section is larger than the limit"
        case .tooManyConnectionOptions: "Connection names more fields than are allowed"
        case .missingHost: "an HTTP/1.1 request has no Host"
        case .ambiguousHost: "more than one Host was sent"
        case .invalidHost: "the Host is not a name or address, with or without port"
        case .invalidContentLength: "Content-Length is not a decimal number of at most 18 digits"
        case .conflictingContentLengths: "several different Content-Length values were sent"
        case .contentLengthWithTransferEncoding: "Content-Length and Transfer-Encoding were sent together"
        case .invalidTransferEncoding: "Transfer-Encoding does not end with chunked, once"
        case .malformedChunk: "a chunk of the body is malformed"
        case .trailersTooLarge: "the trailer section is larger than the limit"
        case .upgradeWithBody: "an upgrade was asked for in a request with a body"
        case .upgradeOnHead: "an upgrade was asked for in a HEAD request"
        case .tooManyInterimAnswers: "interim answers came without end, and no final one"
        }
    }
}
