// SPDX-License-Identifier: MIT

/// What kind of program an app is, which decides about loader, interpreter and transport.
package enum AppType: String, Sendable, Hashable, CaseIterable {
    case rack
    case wsgi
    case classicRails = "classic-rails"
    case node
    case generic

    /// The files that mark an app, in the order in which they are looked for in its root.
    package static let startupFiles: [(name: String, type: AppType)] = [
        ("config.ru", .rack),
        ("passenger_wsgi.py", .wsgi),
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
}
