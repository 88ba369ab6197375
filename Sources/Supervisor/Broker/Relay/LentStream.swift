// SPDX-License-Identifier: MIT

import LinuxSystem
import WireProtocol

/// The process at the other end of a control connection, as far as it can be known.
///
/// Its end tells that nobody reads any more from the sockets that it was given.
enum FrontProcess: Sendable {
    case running(ProcessHandle)
    case ended
    /// It is in another PID namespace, or the kernel does not say.
    case unknown

    /// The process that had this PID when it connected; another one may have got it since, and its end is waited for in vain.
    init(pid: Int32) {
        guard pid > 0 else {
            self = .unknown
            return
        }
        do {
            self = .running(try ProcessHandle(pid: pid))
        } catch {
            self = error.isNoSuchProcess ? .ended : .unknown
        }
    }

    var hasEnded: Bool {
        switch self {
        // An error of asking says nothing about it.
        case .running(let process): (try? process.hasEnded()) == true
        case .ended: true
        case .unknown: false
        }
    }
}

/// The daemon's duplicate of an app's socket that a front has.
///
/// Confined to the relay's thread.
final class LentStream {
    /// The connection over which the socket was sent, until the front has it.
    struct Offer {
        let socket: SharedDescriptor
        let source: EpollLoop.Source
    }

    let number: StreamNumber
    let group: StreamGroup
    let app: SharedDescriptor
    private let ticket: ConnectionTicket
    /// Among the streams that a front uses.
    var place: StreamPlace?
    var machine = LendingMachine()
    var source: EpollLoop.Source?
    var offer: Offer?
    var timer: EpollLoop.Timer?
    /// When a drain is given up, in nanoseconds of `MonotonicClock`.
    var drainUntil: UInt64 = 0

    init(_ stream: RelayStream, app: SharedDescriptor) {
        self.number = stream.number
        self.group = stream.group
        self.app = app
        self.ticket = stream.ticket
        self.place = stream.place
    }
}

/// Waits for the end of a front that has lost its control connection.
struct FrontWatch {
    /// Of its pidfd.
    var source: EpollLoop.Source?
    var timer: EpollLoop.Timer
    /// Keeps the pidfd.
    let front: FrontProcess
}
