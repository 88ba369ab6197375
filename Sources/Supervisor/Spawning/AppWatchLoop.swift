// SPDX-License-Identifier: MIT

import LinuxSystem
import WireProtocol

/// What processes share on the watcher's thread.
///
/// Confined to it.
final class WatchRoom {
    private static let chunkBytes = 64 * 1024
    /// Output pipes that outlive their process, kept for descendants; beyond, the oldest is closed.
    private static let maxOrphanedOutputs = 64

    let loop: EpollLoop
    let sink: AppWatcher.OutputSink
    /// For one read at a time.
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkBytes, alignment: 16)
    private var processes: [ProcessID: WatchedProcess] = [:]
    private var orphanedOutputs: [WatchedProcess] = []

    init(_ loop: EpollLoop, sink: @escaping AppWatcher.OutputSink) {
        self.loop = loop
        self.sink = sink
    }

    deinit { self.chunk.deallocate() }

    /// Nil: unknown, or it has ended.
    func process(_ id: ProcessID) -> WatchedProcess? { self.processes[id] }

    func add(_ process: WatchedProcess) { self.processes[process.facts.id] = process }

    /// Its status was collected; descendants may still write.
    func ended(_ process: WatchedProcess, keepsOutput: Bool) {
        // Another try of the same spawn may have the number by now.
        if self.processes[process.facts.id] === process { self.processes[process.facts.id] = nil }
        guard keepsOutput else { return }
        self.orphanedOutputs.append(process)
        if self.orphanedOutputs.count > Self.maxOrphanedOutputs { self.orphanedOutputs[0].closeOutput() }
    }

    /// Nothing is left of it.
    func forget(_ process: WatchedProcess) { self.orphanedOutputs.removeAll { $0 === process } }
}

/// What the watcher's thread does.
final class AppWatchLoop {
    private let room: WatchRoom

    /// Carries out what comes through the mailbox.
    init(_ loop: EpollLoop, _ orders: Mailbox<AppWatcher.Order>, _ sink: @escaping AppWatcher.OutputSink)
        throws(SystemError)
    {
        self.room = WatchRoom(loop, sink: sink)
        try loop.add(orders) { order in self.carryOut(order) }
    }

    private func carryOut(_ order: AppWatcher.Order) {
        switch order {
        case .watch(let starting, let report):
            let process = WatchedProcess(starting, in: self.room, report: report)
            self.room.add(process)
            process.begin()
        case .terminate(let id): self.room.process(id)?.terminate()
        case .kill(let id): self.room.process(id)?.kill()
        case .stop: self.room.loop.stop()
        }
    }
}
