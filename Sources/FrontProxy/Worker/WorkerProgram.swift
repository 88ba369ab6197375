// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import Logging
import NIOCore
import ProgramLog
import Synchronization
import WireProtocol

/// The process that talks to clients; started by the master, without any privilege.
package enum WorkerProgram {
    /// The hidden flag that makes the program a worker.
    package static let flag = "--worker"
    /// Where the socket to the master is.
    static let channelDescriptor: Int32 = 3
    /// Where lines of access logs go.
    static let accessLogDescriptor: Int32 = 4
    /// Comes before whom the worker has to become, if it may leave a core dump.
    static let coreDumpsFlag = "--core-dumps"

    /// Serves until the master says that it is enough, or is gone; does not return.
    ///
    /// What the worker is launched with besides the flag is whom it has to become (`WorkerAccount.arguments`). It gives up
    /// root itself, first of all, because a process that executes a program as another user can be traced by that user from
    /// then on: too early for it to object.
    package static func run(_ arguments: [String]) -> Never {
        CurrentProcess.setName("front-proxy")
        SignalMask.ignoreBrokenPipes()
        let reader = ControlReader(SharedDescriptor(Descriptor(owning: channelDescriptor)))
        let accessLog = Descriptor(owning: accessLogDescriptor)
        do {
            try becomeUser(arguments)
        } catch {
            try? WorkerReport.failed("\(error)").send(over: reader.socket.descriptor)
            CurrentProcess.exit(1)
        }
        guard let frame = reader.next(), frame.kind == .bootstrap,
            let bootstrap = WorkerBootstrap(decoding: frame.payload)
        else {
            // Started by hand, or the master is gone before it began.
            CurrentProcess.exit(1)
        }
        do {
            let worker = try Worker(bootstrap, descriptors: reader.takeDescriptors(), accessLog: accessLog)
            try worker.start()
            try WorkerReport.ready.send(over: reader.socket.descriptor)
            worker.obey(reader)
        } catch {
            // If the master is gone as well, there is nobody to tell.
            try? WorkerReport.failed("\(error)").send(over: reader.socket.descriptor)
            CurrentProcess.exit(1)
        }
    }
}

extension WorkerProgram {
    private static func becomeUser(_ arguments: [String]) throws {
        let keepsCoreDumps = arguments.first == coreDumpsFlag
        let identity = try WorkerAccount.identity(inArguments: Array(arguments.dropFirst(keepsCoreDumps ? 1 : 0)))
        if let identity { try CurrentProcess.become(identity) }
        // Its memory will hold tokens and what clients send; its account may have other processes. A change of user has done
        // this already, unless the system was told otherwise (fs.suid_dumpable). A kernel that refuses serves all the same.
        try? CurrentProcess.allowTracing(keepsCoreDumps)
        if CurrentProcess.isRoot {
            throw WorkerStartError(description: "it was started with root rights and no other user")
        }
    }
}

/// Why a worker cannot start, although its configuration was fine for the master.
struct WorkerStartError: Error, CustomStringConvertible {
    let description: String
}
