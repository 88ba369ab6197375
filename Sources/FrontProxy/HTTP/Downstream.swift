// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import LinuxSystem
import NIOCore

/// Numeric addresses of both ends of a client's connection.
struct ConnectionAddresses {
    /// Who connected: a client, or a proxy before it.
    var peer = PeerFacts(address: "unix:", port: 0)
    var local = "localhost"
    var localPort = 80

    init() {}

    /// Of a connected socket.
    ///
    /// `ENOTCONN`: the client has left. What it has sent can still be read then, but not who it was: it must not be taken for a
    /// peer of a Unix socket, which may be trusted.
    init(ofSocket socket: Int32, isTrustedPeer: Bool = false) throws(SystemError) {
        peer.isTrustedAccount = isTrustedPeer
        let name = try SocketName(peerOf: socket)
        if let ip = name.host {
            // An IPv4 client of an IPv6 listener.
            peer.address = ip.hasPrefix("::ffff:") && ip.contains(".") ? String(ip.dropFirst(7)) : ip
            peer.port = Int(name.port)
        }
        if let name = try? SocketName(localOf: socket), let ip = name.host {
            local = ip
            localPort = Int(name.port)
        }
    }
}

/// A client's connection (with HTTP/2: one stream of it) as the exchange on it sees it; on its event loop.
///
/// The connection knows bytes, framing and clocks, and nothing of routes, apps and pages.
protocol DownstreamConnection: AnyObject {
    /// The connection takes more bytes at the moment.
    var isWritable: Bool { get }
    /// The time limits for clients are those of this route from now on.
    func routed(to route: RouteModel)
    /// `deadlineReached` is called unless the deadline is moved or cleared before.
    func setDeadline(after amount: TimeAmount)
    func clearDeadline()
    /// The final head is about to be written; true if the connection can carry another request behind this answer.
    func beginAnswer(endsConnection: Bool) -> Bool
    func write(_ bytes: ByteBuffer)
    /// Writes both at once.
    func write(head: ByteBuffer, body: ByteBuffer)
    /// Lets the kernel send a part of a file behind `head`; `completion` hears whether the client has all of it.
    func write(head: ByteBuffer, file: SharedDescriptor, _ range: Range<Int>, completion: @escaping (Bool) -> Void)
    /// The answer is complete; the exchange hears nothing more.
    func endAnswer()
    /// The answer cannot be completed, and the client sees that; the exchange hears nothing more.
    func breakAnswer()
    /// From here on it is bytes both ways.
    func switchProtocols()
    /// What comes of the body (or the tunnel) stays where it is.
    func pauseInput()
    func resumeInput()
}

/// What an exchange wants of the body that its client sends.
enum BodyDemand {
    case now
    /// Not before `resumeInput`.
    case later
    /// Whatever comes is read and forgotten.
    case never
}

/// One request and its answer, as the client's connection sees it.
protocol DownstreamExchange: AnyObject {
    var bodyDemand: BodyDemand { get }
    func bodyReceived(_ bytes: ByteBuffer, isLast: Bool)
    /// What should be its body breaks a rule.
    func bodyBroken(_ error: FramingError)
    func tunnelReceived(_ bytes: ByteBuffer)
    /// The client has shut its side of the tunnel.
    func tunnelInputEnded()
    /// The connection takes bytes again.
    func writable()
    func deadlineReached()
    /// The connection is gone, or will never complete the request; it hears nothing more.
    func clientGone()
}
