// SPDX-License-Identifier: MIT

/// A path of a test application that answers in odd ways, and what a client must get for it.
struct AnswerRow {
    let path: String
    let status: Int
    let body: String

    init(_ path: String, _ status: Int = 200, _ body: String = "ok") {
        self.path = path
        self.status = status
        self.body = body
    }
}
