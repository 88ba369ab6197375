// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore

/// What a master has to say to one worker and the socket did not take yet; confined to one thread.
struct ControlSender {
    private struct Message {
        let bytes: [UInt8]
        /// They travel with the first byte.
        let descriptors: [SharedDescriptor]
        var sent = 0
    }

    /// Enough for one turn of the socket, so that a large frame is not copied again for each.
    private static let turn = 256 * 1024

    private var messages: CircularBuffer<Message> = []

    var isEmpty: Bool { messages.isEmpty }

    /// Descriptors that do not fit into one message travel ahead, with frames of their own.
    mutating func append(_ frame: ControlFrame, descriptors: [SharedDescriptor] = []) {
        var rest = descriptors[...]
        while rest.count > DescriptorPassing.maxDescriptors {
            let part = Array(rest.prefix(DescriptorPassing.maxDescriptors))
            rest = rest.dropFirst(part.count)
            messages.append(Message(bytes: ControlFrame(kind: .descriptors).encoded(), descriptors: part))
        }
        messages.append(Message(bytes: frame.encoded(), descriptors: Array(rest)))
    }

    /// Sends what the socket takes; false if it took nothing.
    ///
    /// A socket that does not block is left with the rest; an error means that the other side is gone.
    mutating func flush(over socket: Int32) throws(SystemError) -> Bool {
        var hasSent = false
        while var message = messages.first {
            let numbers = message.sent == 0 ? message.descriptors.map(\.rawValue) : []
            do throws(SystemError) {
                message.sent += try DescriptorPassing.send(
                    message.bytes[message.sent...].prefix(Self.turn),
                    descriptors: numbers,
                    over: socket
                )
            } catch  where error.isWouldBlock {
                return hasSent
            }
            hasSent = true
            if message.sent == message.bytes.count {
                messages.removeFirst()
            } else {
                messages[messages.startIndex] = message
            }
        }
        return hasSent
    }
}
