// SPDX-License-Identifier: MIT

import Logging

/// Who makes a program write a line.
struct LogSource: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// The program itself and root: what nobody else can cause.
        case program
        /// A Unix user who talks to the program.
        case peer
        /// What the program says about an app.
        case app
        /// What an app printed.
        case output
    }

    let kind: Kind
    /// A uid or the name of an app, compared byte for byte.
    private let name: [UInt8]

    private init(_ kind: Kind, _ name: some Sequence<UInt8> = []) {
        self.kind = kind
        self.name = Array(name)
    }

    static let program = LogSource(.program)

    static func output(of app: String) -> LogSource { LogSource(.output, app.utf8) }

    /// By the metadata of a line: a peer (`uid`) goes before the apps that it names; root is the program.
    init(of metadata: Logger.Metadata) {
        if let uid = metadata["uid"]?.description, uid != "0" {
            self.init(.peer, uid.utf8)
        } else if metadata["uid"] == nil, let app = metadata["app"]?.description {
            self.init(.app, app.utf8)
        } else {
            self = .program
        }
    }

    /// What names it in the line about what was left out.
    var facts: Logger.Metadata {
        let text = String(decoding: self.name, as: UTF8.self)
        return switch self.kind {
        case .program: [:]
        case .peer: ["uid": "\(text)"]
        case .app: ["app": "\(text)"]
        case .output: ["app": "\(text)", "what": "output"]
        }
    }
}
