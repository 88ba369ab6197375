// SPDX-License-Identifier: MIT

import AppTransport
import NIOCore
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

/// Fates of streams over the control connection.
struct FateLinkTests {
    /// What those who asked were told; from the test's thread.
    final class Answers: Sendable {
        private let heard = Mutex<[ExchangeMachine.Fate]>([])
        func add(_ fate: ExchangeMachine.Fate) { heard.withLock { $0.append(fate) } }
        var all: [ExchangeMachine.Fate] { heard.withLock { $0 } }
    }

    private let process = ProcessID(rawValue: 7)

    private func ask(_ link: DaemonLinkTests.LinkOnLoop, _ answers: Answers, _ stream: UInt64?) throws {
        let process = self.process
        try link.on { link in
            link.askFate(of: stream.map(StreamNumber.init(rawValue:)), to: process) { answers.add($0) }
        }
    }

    @Test func `each verdict reaches whoever asked`() throws {
        let daemon = try FakeDaemon()
        let link = try DaemonLinkTests.LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        try eventually("the connection") { try link.on { $0.state == .connected } }
        let answers = Answers()
        for (verdict, fate) in [
            (StreamFate.Verdict.unread, ExchangeMachine.Fate.unread), (.alive, .alive), (.ended, .ended),
        ] {
            let number = StreamNumber(rawValue: UInt64(verdict.rawValue))
            try ask(link, answers, number.rawValue)
            #expect(try connection.next() == .fateQuery(FateQuery(process: process, stream: number)))
            try connection.send(.streamFate(StreamFate(stream: number, verdict: verdict)))
            try eventually("the answer") { answers.all.last == fate }
        }
        #expect(answers.all.count == 3)
    }

    @Test func `a stream without number has ended, as has one whose fate nobody tells in time`() throws {
        let daemon = try FakeDaemon()
        let link = try DaemonLinkTests.LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        try eventually("the connection") { try link.on { $0.state == .connected } }
        let answers = Answers()
        try ask(link, answers, nil)
        #expect(answers.all == [.ended])
        try ask(link, answers, 1)
        _ = try connection.next()
        try eventually("the end of patience") { answers.all == [.ended, .ended] }
        // What comes late changes nothing, and the connection goes on.
        try connection.send(.streamFate(StreamFate(stream: StreamNumber(rawValue: 1), verdict: .unread)))
        try ask(link, answers, 2)
        _ = try connection.next()
        try connection.send(.streamFate(StreamFate(stream: StreamNumber(rawValue: 2), verdict: .alive)))
        try eventually("the next answer") { answers.all == [.ended, .ended, .alive] }
    }

    @Test func `a daemon that goes takes the answers with it`() throws {
        let daemon = try FakeDaemon()
        let link = try DaemonLinkTests.LinkOnLoop(daemon.path)
        let answers = Answers()
        do {
            let connection = try daemon.greet()
            try eventually("the connection") { try link.on { $0.state == .connected } }
            try ask(link, answers, 1)
            _ = try connection.next()
        }
        try eventually("the loss") { answers.all == [.daemonLost] }
    }
}
