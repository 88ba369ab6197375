// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import ProgramLog
import Synchronization
import WireProtocol

/// The process that talks to clients; started by the master, without any privilege.
package enum WorkerProgram {
    /// The hidden flag that makes the program a worker.
    package static let flag = "--worker"
    /// Where the socket to the master is.
    static let channelDescriptor: Int32 = 3

    /// Serves until the master says that it is enough, or is gone; does not return.
    package static func run() -> Never {
        CurrentProcess.setName("front-proxy")
        SignalMask.ignoreBrokenPipes()
        let channel = ControlChannel(Descriptor(owning: channelDescriptor))
        let reader = ControlReader(channel)
        // Its memory will hold tokens and what clients send; its account may have other processes. A kernel that refuses
        // serves all the same.
        try? CurrentProcess.forbidTracing()
        guard let frame = reader.next(), frame.kind == .bootstrap,
            let bootstrap = WorkerBootstrap(decoding: frame.payload)
        else {
            // Started by hand, or the master is gone before it began.
            CurrentProcess.exit(1)
        }
        do {
            let worker = try Worker(bootstrap, descriptors: reader.takeDescriptors())
            try worker.start()
            try channel.send(ControlFrame(kind: .ready))
            worker.obey(reader)
        } catch {
            // If the master is gone as well, there is nobody to tell.
            try? channel.send(ControlFrame(kind: .failed, payload: ByteBuffer(string: "\(error)")))
            CurrentProcess.exit(1)
        }
    }
}

/// Why a worker cannot start, although its configuration was fine for the master.
struct WorkerStartError: Error, CustomStringConvertible {
    let description: String
}
