// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// What a socket holds for its reader.
package enum SocketInput {
    /// Whether a byte waits to be read; false at the end of file, and for a connection that broke.
    package static func isWaiting(in socket: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) == 1
    }
}
