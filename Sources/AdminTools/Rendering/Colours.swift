// SPDX-License-Identifier: MIT

/// Terminal colours, or none.
package enum Colours: Sendable {
    case none
    case ansi

    func heading(_ text: String) -> String { self.wrapped(text, "1;33") }

    func name(_ text: String) -> String { self.wrapped(text, "1") }

    private func wrapped(_ text: String, _ code: String) -> String {
        switch self {
        case .none: text
        case .ansi: "\u{1B}[\(code)m\(text)\u{1B}[0m"
        }
    }
}
