// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization

/// Clients that send one request after the other until they are told to stop, each on a thread of its own.
///
/// A client opens another connection when the server has said `Connection: close`. A request counts as lost when its
/// connection ends before the whole answer is there, as refused when the answer is not 200, and as repeated when
/// the kept connection that it was sent on turned out to be closed before a byte of an answer came.
package final class Load {
    package struct Result: Sendable {
        package var answered = 0
        package var repeated = 0
        package var lost: [String] = []
        package var refused: [String] = []
        package var pids: Set<Int32> = []
    }

    private let clients: Clients
    private let threads: [OSThread]

    /// `rest` is the time that a client waits after each answer.
    package init(
        clients count: Int,
        port: UInt16,
        host: String = "localhost",
        path: String = "/pid",
        rest: Duration = .zero
    ) throws {
        let clients = Clients(port: port, host: host, path: path, rest: rest)
        self.clients = clients
        threads = try (0..<count).map { number in
            try OSThread.start(name: "client-\(number)") { clients.runOne() }
        }
    }

    package var current: Result { clients.result.withLock { $0 } }

    /// Waits until so many more requests were answered.
    package func waitForAnswers(_ count: Int) throws {
        let wanted = current.answered + count
        try eventually("\(count) more answers") { current.answered >= wanted }
    }

    /// Lets every client finish the request it is at.
    package func stop() -> Result {
        clients.stopping.withLock { $0 = true }
        for thread in threads { thread.join() }
        return current
    }
}

private final class Clients: Sendable {
    let stopping = Mutex(false)
    let result = Mutex(Load.Result())
    private let port: UInt16
    private let host: String
    private let path: String
    private let rest: Duration

    init(port: UInt16, host: String, path: String, rest: Duration) {
        self.port = port
        self.host = host
        self.path = path
        self.rest = rest
    }

    func runOne() {
        var connection: HTTPConnection?
        while !stopping.withLock({ $0 }) {
            do {
                let response = try request(&connection)
                count(response)
                if response.header("connection")?.lowercased() == "close" { connection = nil }
                if rest > .zero { pause(rest) }
            } catch {
                connection = nil
                result.withLock { $0.lost.append("\(error)") }
            }
        }
    }

    private func count(_ response: HTTPResponse) {
        result.withLock { result in
            if response.status == 200 {
                result.answered += 1
                if let pid = response.pid { result.pids.insert(pid) }
            } else {
                result.refused.append("\(response.status) \(response.text.prefix(120))")
            }
        }
    }

    private func request(_ connection: inout HTTPConnection?) throws -> HTTPResponse {
        if let kept = connection {
            do {
                return try kept.get(path, host: host)
            } catch HTTPConnection.Failure.closed(after: "") {
                // A client may repeat on a kept connection that the server closed (RFC 9112 §9.3.1).
                result.withLock { $0.repeated += 1 }
            }
        }
        let fresh = try HTTPConnection(port: port)
        connection = fresh
        return try fresh.get(path, host: host)
    }
}
