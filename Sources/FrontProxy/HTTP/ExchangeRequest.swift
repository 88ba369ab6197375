// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import NIOCore

/// One request as the way to the app needs it; its head stays with the connection.
///
/// A class, because it is handed around at every step: each copy of a struct would count a dozen references.
final class ExchangeRequest {
    let route: RouteModel
    let app: FrontApp
    let method: String
    let path: String
    let isHead: Bool
    let clientVersion: RequestHead.Version
    let wantsUpgrade: Bool
    let traits: ExchangeMachine.Traits
    let content: RequestContent

    init(
        route: RouteModel,
        app: FrontApp,
        method: String,
        path: String,
        isHead: Bool,
        clientVersion: RequestHead.Version,
        wantsUpgrade: Bool,
        traits: ExchangeMachine.Traits,
        content: RequestContent
    ) {
        self.route = route
        self.app = app
        self.method = method
        self.path = path
        self.isHead = isHead
        self.clientVersion = clientVersion
        self.wantsUpgrade = wantsUpgrade
        self.traits = traits
        self.content = content
    }
}

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
