// SPDX-License-Identifier: MIT

import NIOCore

/// Whoever uses a stream at the moment; called on the stream's event loop.
protocol StreamOwner: AnyObject {
    /// The stream that `StreamPool.acquire` could not give at once is attached and may be written to.
    func streamReady(_ stream: AppStream)
    /// It could not be attached; no byte was written on it.
    func streamFailed(_ stream: AppStream, reason: String)
    func streamRead(_ stream: AppStream, _ bytes: ByteBuffer)
    /// The app has shut its side, or the connection broke; there are no more calls for this stream.
    func streamClosed(_ stream: AppStream)
    /// The stream took what was written and wants more.
    func streamWritable(_ stream: AppStream)
}
