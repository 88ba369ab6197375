// SPDX-License-Identifier: MIT

import Testing

@testable import SpawnPlan

struct AppExceptionTests {
    @Test(arguments: [
        ("exception 0badcafe RuntimeError: late boom", "0badcafe", "RuntimeError: late boom"),
        ("exception 12345678", "12345678", ""), ("exception 12345678 a\\nb  c", "12345678", "a\nb  c"),
    ])
    func `it has an ID and a text`(_ line: String, _ id: String, _ text: String) throws {
        var messages = ServiceMessages()
        let message = try #require(messages.received(Array("\(line)\n".utf8), at: .zero).first)
        let exception = try #require(AppException(message))
        #expect(exception.id == id)
        #expect(exception.text == text)
    }

    @Test(arguments: [
        "exception", "exception 0badcaf x", "exception 0BADCAFE x", "exception 0badcafe1 x", "exceptions 0badcafe x",
        "exception zzzzzzzz x", "warning 0badcafe x", "exception \u{661}2345678 x",
    ])
    func `what has another form is none`(_ line: String) throws {
        var messages = ServiceMessages()
        let message = try #require(messages.received(Array("\(line)\n".utf8), at: .zero).first)
        #expect(AppException(message) == nil)
    }
}
