// SPDX-License-Identifier: MIT

/// What kind of program an app is, which decides about loader, interpreter and transport.
package enum AppType: String, Sendable, Hashable, CaseIterable {
    case rack
    case wsgi
    case asgi
    case classicRails = "classic-rails"
    case node
    case generic

    /// The files that mark an app, in the order in which they are looked for in its root.
    package static let startupFiles: [(name: String, type: AppType)] = [
        ("config.ru", .rack),
        ("passenger_wsgi.py", .wsgi),
        ("passenger_asgi.py", .asgi),
        ("config/environment.rb", .classicRails),
        ("app.js", .node),
    ]

    /// The type of a configured name, which may be that of the language.
    package init?(settingValue: String) {
        switch settingValue {
        case "ruby": self = .rack
        case "python": self = .wsgi
        case "nodejs": self = .node
        default: self.init(rawValue: settingValue)
        }
    }

    /// The files that a configured `startup_file` may mean, the first that exists counts.
    ///
    /// Of an ASGI app it may name the application in a file or module as well: `web/main.py:app`, `shop.asgi:application`.
    package func files(of startupFile: String) -> [String] {
        guard self == .asgi, let colon = startupFile.utf8.lastIndex(of: UInt8(ascii: ":")) else { return [startupFile] }
        let place = startupFile[..<colon]
        if place.hasSuffix(".py") || place.utf8.contains(UInt8(ascii: "/")) { return [String(place)] }
        let path = String(place.map { $0 == "." ? "/" : $0 })
        return ["\(path)/__init__.py", "\(path).py"]
    }
}
