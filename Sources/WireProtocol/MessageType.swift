// SPDX-License-Identifier: MIT

/// The number of each message; `docs/protocol.md` lists them with their layouts.
package enum MessageType: UInt8, CaseIterable, Sendable {
    // Any connection.
    case hello = 0x01
    case helloReply = 0x02
    case ping = 0x03
    case pong = 0x04
    case attached = 0x05

    // Front to daemon.
    case manifest = 0x10
    case defineApp = 0x11
    case checkout = 0x12
    case cancel = 0x13
    case release = 0x14
    case upgraded = 0x15
    case resume = 0x16
    case reportQuery = 0x17
    case abandoned = 0x18
    case fateQuery = 0x19
    case reuse = 0x1A
    case lasting = 0x1B

    // Daemon to front.
    case appAccepted = 0x40
    case appRejected = 0x41
    case granted = 0x42
    case refused = 0x43
    case processGone = 0x44
    case draining = 0x45
    case abort = 0x46
    case recall = 0x47
    case goodbye = 0x48
    case report = 0x49
    case streamFate = 0x4A

    // Administration.
    case adminRequest = 0x60
    case adminResponse = 0x61
}
