// SPDX-License-Identifier: MIT

import LinuxSystem

/// The one thing that a worker says to its master, in a frame of fixed size: `u8` kind, `u16` length of the text, the text,
/// zeros.
///
/// A worker talks to the world, and who takes it over has its end of the socket: so the master reads this many bytes and no
/// more, and takes no descriptor.
enum WorkerReport: Equatable {
    /// Connections are accepted.
    case ready
    /// It cannot start, and says why.
    case failed(String)

    static let size = 512
    private static let maxText = size - 3

    /// Cut to what fits.
    var bytes: [UInt8] {
        let text: [UInt8]
        switch self {
        case .ready: text = []
        case .failed(let reason): text = Array(reason.utf8.prefix(Self.maxText))
        }
        let kind: UInt8 = self == .ready ? 1 : 2
        let head = [kind, UInt8(text.count >> 8), UInt8(text.count & 0xFF)]
        return head + text + [UInt8](repeating: 0, count: Self.maxText - text.count)
    }

    /// nil for bytes that are none of a report.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        let length = Int(bytes[1]) << 8 | Int(bytes[2])
        guard length <= Self.maxText else { return nil }
        switch bytes[0] {
        case 1: self = .ready
        case 2: self = .failed(String(decoding: bytes[3..<3 + length], as: UTF8.self))
        default: return nil
        }
    }

    /// Sends it over the worker's end of a socket to its master, which blocks.
    func send(over socket: borrowing Descriptor) throws(SystemError) { try socket.writeAll(bytes) }
}

/// What a master has heard from a worker.
///
///     waiting ──a whole report──▶ told ──anything more──▶ broken
///        └──something else──▶ broken
struct WorkerReports {
    enum Event: Equatable {
        case nothing
        case report(WorkerReport)
        /// Whatever it is, it does not work for this master any more.
        case broken(reason: String)
    }

    private enum State {
        /// With the bytes that are here.
        case waiting([UInt8])
        case told
        case broken
    }

    private var state = State.waiting([])

    /// More than this is never of use.
    var readLimit: Int {
        switch state {
        case .waiting(let bytes): WorkerReport.size - bytes.count
        case .told, .broken: 1
        }
    }

    mutating func received(_ bytes: some Sequence<UInt8>) -> Event {
        switch state {
        case .waiting(let before):
            let all = before + bytes
            guard all.count >= WorkerReport.size else {
                state = .waiting(all)
                return .nothing
            }
            guard let report = WorkerReport(all) else { return broken("it sent what is not a report") }
            state = .told
            return .report(report)
        case .told: return broken("it went on talking after its report")
        case .broken: return .nothing
        }
    }

    private mutating func broken(_ reason: String) -> Event {
        state = .broken
        return .broken(reason: reason)
    }
}
