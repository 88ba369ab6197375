// SPDX-License-Identifier: MIT

import NIOCore

/// The facts of one answered request, as the access log wants them.
///
/// Handed to `AccessLog.record(_:)` once the answer has ended; the texts are raw bytes from the client, which the log escapes.
struct AccessLogEntry {
    /// Without port; `unix:` for a client on a Unix socket.
    var remoteAddress: String
    /// "GET /path HTTP/1.1", as received; empty when the head could not be parsed.
    var requestLine: ByteBuffer
    /// 499 when the client left before an answer, as nginx has it.
    var status: Int
    /// Body bytes handed to the client's connection, without head and chunk framing.
    var bytesSent: Int
    var referer: ByteBuffer?
    var userAgent: ByteBuffer?
    /// Of the process that answered; nil when no app was asked.
    var pid: Int32?
    /// From the checkout to the grant, as the daemon measured it.
    var queueTime: TimeAmount?
    /// From the grant to the end of the app's answer.
    var appTime: TimeAmount?
    /// From the parsed head to the end of the answer.
    var totalTime: TimeAmount
    /// What the client asked for, as it was sent, with its port.
    var host: ByteBuffer? = nil
    /// Of a failure that the front answered, as page and log have it.
    var errorID: String? = nil
}
