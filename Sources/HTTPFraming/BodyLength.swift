// SPDX-License-Identifier: MIT

/// How a message's body is delimited (RFC 9112 §6).
package enum BodyLength: Equatable, Sendable {
    case none
    case bytes(Int)
    case chunked
    /// Until the connection ends; responses only.
    case untilClose
}

/// What all `Content-Length` fields of a head say together.
///
/// One rule for several fields and for lists (RFC 9110 §8.6): every element is a decimal number, and all are the same number;
/// what is passed on is that number once. An empty element (`5,`), a sign, a blank inside, another number is refused.
enum ContentLength: Equatable {
    case absent
    case bytes(Int)
    case failed(FramingError)

    mutating func add(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) {
        var result = self
        ByteClass.forEachElement(bytes, value, emptyOnes: true) { element in
            guard let number = ByteClass.decimal(bytes, element) else {
                result = .failed(.invalidContentLength)
                return
            }
            switch result {
            case .absent: result = .bytes(number)
            case .bytes(number), .failed: break
            case .bytes: result = .failed(.conflictingContentLengths)
            }
        }
        self = result
    }
}

/// What all `Transfer-Encoding` fields of a head say together.
///
/// Empty elements (`chunked,`), which a list may have by RFC 9110 §5.6.1, are refused: readers differ about them, and
/// where they do, requests are smuggled.
enum TransferCoding: Equatable {
    case absent
    case chunked
    /// A coding that we do not implement.
    case unknown
    /// Chunked is not the last coding, or is there twice, or an element is empty.
    case invalid

    mutating func add(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) {
        var result = self
        ByteClass.forEachElement(bytes, value, emptyOnes: true) { element in
            if element.isEmpty { result = .invalid }
            let isChunked = ByteClass.matches(bytes, element, "chunked")
            switch result {
            case .absent: result = isChunked ? .chunked : .unknown
            case .chunked: result = .invalid
            case .unknown, .invalid: break
            }
        }
        self = result
    }
}

extension BodyLength {
    /// The length of a request's body; both ways of saying it at once are refused (request smuggling).
    static func ofRequest(
        _ length: ContentLength,
        _ coding: TransferCoding,
        isVersion11: Bool
    ) -> Result<BodyLength, FramingError> {
        switch (coding, length) {
        case (.absent, .absent): .success(.none)
        case (.absent, .bytes(0)): .success(.none)
        case (.absent, .bytes(let count)): .success(.bytes(count))
        case (.absent, .failed(let error)): .failure(error)
        case (_, .bytes), (_, .failed): .failure(.contentLengthWithTransferEncoding)
        case (.chunked, .absent): isVersion11 ? .success(.chunked) : .failure(.invalidTransferEncoding)
        case (.unknown, .absent): .failure(.notImplemented)
        case (.invalid, .absent): .failure(.invalidTransferEncoding)
        }
    }

    /// The length of a response's body; `Transfer-Encoding` wins over `Content-Length` (RFC 9112 §6.3).
    static func ofResponse(
        _ length: ContentLength,
        _ coding: TransferCoding,
        status: Int,
        toHead: Bool
    ) -> Result<BodyLength, FramingError> {
        if toHead || status < 200 || status == 204 || status == 304 { return .success(.none) }
        switch (coding, length) {
        case (.chunked, _): return .success(.chunked)
        case (.unknown, _): return .failure(.notImplemented)
        case (.invalid, _): return .failure(.invalidTransferEncoding)
        case (.absent, .absent): return .success(.untilClose)
        case (.absent, .bytes(0)): return .success(.none)
        case (.absent, .bytes(let count)): return .success(.bytes(count))
        case (.absent, .failed(let error)): return .failure(error)
        }
    }
}
