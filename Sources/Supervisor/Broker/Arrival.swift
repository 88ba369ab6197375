// SPDX-License-Identifier: MIT

package import LinuxSystem
package import NIOCore
import NIOPosix
package import WireProtocol

/// A connection whose peer is known and whose `Hello` is read; on its way to whoever takes it over.
package struct Arrival: Sendable {
    package let descriptor: TravellingDescriptor
    package let peer: PeerCredentials
    package let hello: Hello
    /// What came behind the `Hello`.
    package let remainder: ByteBuffer
    let ticket: ConnectionTicket
}

extension Arrival {
    /// Makes a channel of a connection, on the loop that `handler` is confined to; its high mark is what a peer may leave
    /// unread.
    ///
    /// `readsAtMost`: bytes that one read brings; nil: as many as there are, in buffers that grow.
    static func join(
        _ descriptor: consuming Descriptor,
        to eventLoop: any EventLoop,
        handler: some ChannelHandler,
        readsAtMost: Int? = nil
    ) -> EventLoopFuture<any Channel>.Isolated {
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        let waterMark = ChannelOptions.Types.WriteBufferWaterMark(
            low: WireLimits.unreadBytes / 2,
            high: WireLimits.unreadBytes
        )
        var bootstrap = ClientBootstrap(group: eventLoop).channelOption(.writeBufferWaterMark, value: waterMark)
        if let readsAtMost {
            bootstrap =
                bootstrap.channelOption(.maxMessagesPerRead, value: 1)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: readsAtMost))
        }
        return
            bootstrap
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
            }
            .withConnectedSocket(descriptor.release())
            .assumeIsolated()
    }
}
