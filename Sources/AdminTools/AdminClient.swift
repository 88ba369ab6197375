// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
package import WireProtocol

/// An admin connection to a daemon: one question at a time, waited for.
package struct AdminClient: ~Copyable {
    /// From connect to the last byte of an answer.
    private static let patience = Duration.seconds(10)

    /// Looks for memory that is not read yet, and the pause before each: longer than a report serves several askers.
    private static let looks = 5
    private static let pause = Duration.milliseconds(250)

    private let socket: Descriptor
    private let deadline: UInt64
    private var decoder = FrameDecoder(phase: .toAdmin)

    /// Connects to the daemon that the options name, or to the only one that runs.
    package static func connect(
        _ options: InstanceOptions,
        instanceName: String?,
        as tool: String
    ) throws(ToolFailure) -> AdminClient {
        if let path = options.socketFile { return try AdminClient.connect(path: path, as: tool) }
        let search = InstanceSearch(option: options.instanceRegistryDir)
        let name = options.instance ?? instanceName ?? CurrentProcess.environment("PASSENGER_INSTANCE_NAME")
        let instance = try InstanceChoice.choose(
            from: search.run(),
            named: name.flatMap { $0.isEmpty ? nil : $0 },
            searched: search.places.map(\.path)
        )
        return try AdminClient.connect(path: instance.adminSocketPath, as: tool)
    }

    /// Connects to a socket of a daemon and says hello, as `tool`.
    package static func connect(path: String, as tool: String) throws(ToolFailure) -> AdminClient {
        var client = AdminClient(socket: try self.open(path))
        try client.greet(path: path, as: tool)
        return client
    }

    private init(socket: consuming Descriptor) {
        self.socket = socket
        self.deadline = MonotonicClock.now + UInt64(Self.patience.wholeNanoseconds)
    }

    private static func open(_ path: String) throws(ToolFailure) -> Descriptor {
        do throws(SystemError) {
            let socket = try UnixSocket.connect(path: path)
            try socket.setNonBlocking()
            return socket
        } catch  where error.isPermissionDenied {
            throw ToolFailure(.failed, "You may not connect to \(path); run this as root or as the daemon's user.")
        } catch  where error.isNotFound || error.isConnectionRefused {
            throw ToolFailure(.usage, "Flying Passenger is not running: nobody listens on \(path).")
        } catch {
            throw ToolFailure(.failed, "Cannot connect to \(path): \(error.reason).")
        }
    }

    private mutating func greet(path: String, as tool: String) throws(ToolFailure) {
        var buffer = ByteBuffer()
        Hello(role: .admin, frontName: tool).write(into: &buffer)
        try self.send(buffer)
        guard case .helloReply(let reply) = try self.next() else {
            throw ToolFailure(.failed, "The daemon at \(path) did not answer the greeting.")
        }
        if let refusal = reply.refusal { throw ToolFailure(.failed, refusal) }
    }

    package mutating func status() throws(ToolFailure) -> StatusReport {
        guard let report = try self.ask(.status).status else {
            throw ToolFailure(.failed, "The daemon's answer holds no status.")
        }
        return report
    }

    /// A status with the memory of all processes, as far as the daemon can read it within a second or two.
    ///
    /// The daemon reads it off to the side, so the first answer may be without that of large processes.
    mutating func measuredStatus() throws(ToolFailure) -> StatusReport {
        var report = try self.status()
        for _ in 0..<Self.looks where !report.isMeasured {
            // Nothing to wait for: it ends with the time.
            _ = try? Poll.wait([], timeout: Self.pause)
            report = try self.status()
        }
        return report
    }

    /// What fronts have declared to the daemon, as far as it knows since its start.
    package mutating func apps() throws(ToolFailure) -> AppsReport {
        var all = AppsReport()
        while true {
            guard let part = try self.ask(.apps(after: all.apps.count)).apps else {
                throw ToolFailure(.failed, "The daemon's answer holds no applications.")
            }
            all.apps += part.apps
            all.fronts = part.fronts
            // Part of nothing is all there is, whatever it says.
            guard part.isContinued, !part.apps.isEmpty else { return all }
        }
    }

    /// Has an application served again that was put into quarantine.
    package mutating func liftQuarantine(of group: String) throws(ToolFailure) {
        _ = try self.ask(.liftQuarantine(of: group))
    }

    /// Has a process do its out-of-band work as soon as it can be spared.
    package mutating func requestOutOfBandWork(of pid: Int32) throws(ToolFailure) {
        _ = try self.ask(.requestOutOfBandWork(of: pid))
    }

    private mutating func ask(_ command: AdminCommand) throws(ToolFailure) -> AdminAnswer {
        var buffer = ByteBuffer()
        AdminMessage.request(AdminRequest(id: 1, json: ByteBuffer(bytes: command.json()))).write(into: &buffer)
        try self.send(buffer)
        while true {
            switch try self.next() {
            case .response(let response) where response.id == 1: return try Self.answer(response)
            case .goodbye(let goodbye):
                throw ToolFailure(.failed, "The daemon closed the connection: \(goodbye.reason)")
            case .ping, .pong, .helloReply, .request, .response: continue
            }
        }
    }

    private static func answer(_ response: AdminResponse) throws(ToolFailure) -> AdminAnswer {
        let answer: AdminAnswer
        do throws(AdminError) {
            answer = try AdminAnswer(json: response.json.readableBytesView)
        } catch {
            throw ToolFailure(.failed, "The daemon's answer \(error.message).")
        }
        if let error = answer.error { throw ToolFailure(error) }
        return answer
    }

    private func send(_ buffer: ByteBuffer) throws(ToolFailure) {
        do {
            try self.socket.writeAll(buffer.readableBytesView)
        } catch {
            throw ToolFailure(.failed, "The daemon closed the connection (\(error.reason)).")
        }
    }

    private mutating func next() throws(ToolFailure) -> AdminMessage {
        while true {
            do throws(WireError) {
                if let message = try AdminMessage.next(from: &self.decoder) { return message }
            } catch {
                throw ToolFailure(.failed, "The daemon sent something that is no answer: \(error).")
            }
            self.decoder.append(ByteBuffer(bytes: try self.receive()))
        }
    }

    private func receive() throws(ToolFailure) -> [UInt8] {
        do throws(SystemError) {
            let now = MonotonicClock.now
            let left = Duration.nanoseconds(Int64(clamping: self.deadline - min(now, self.deadline)))
            guard try !Poll.wait(self.socket.rawValue, for: .readable, timeout: left).isEmpty else {
                throw SystemError(call: "poll", code: 0)
            }
            let bytes = try self.socket.readSome(limit: 65_536)
            guard bytes.isEmpty else { return bytes }
        } catch  where error.call == "poll" {
            throw ToolFailure(.failed, "The daemon did not answer within \(Self.patience.components.seconds) seconds.")
        } catch {
            throw ToolFailure(.failed, "The connection to the daemon broke: \(error.reason).")
        }
        throw ToolFailure(
            .failed,
            "The daemon closed the connection. If it was not stopped just now, its log tells why."
        )
    }
}
