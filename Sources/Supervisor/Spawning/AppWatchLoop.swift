// SPDX-License-Identifier: MIT

import LinuxSystem

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
        case .beginOutOfBandWork(let id): self.room.process(id)?.beginOutOfBandWork()
        case .lend(let id, let body): body(self.room.process(id)?.orderChannel)
        case .stop: self.room.end()
        }
    }
}
