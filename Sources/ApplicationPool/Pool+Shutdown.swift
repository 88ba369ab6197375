// SPDX-License-Identifier: MIT

extension Pool {
    /// The daemon is to end: nobody gets a process any more, sessions may go on for `limit`, unused processes end now.
    package mutating func shutdown(limit: Duration, at now: Instant) -> Orders {
        var orders = Orders()
        guard self.phase == .running else { return orders }
        let deadline = now.advanced(by: limit)
        self.phase = .shuttingDown(deadline: deadline)
        for index in self.groups.indices {
            self.refuseAllWaiters(of: index, .shuttingDown, orders: &orders)
            self.discardSpawn(of: index, orders: &orders)
            self.bringForward(detachedOf: index, to: deadline)
            self.detachAll(of: index, at: now, orders: &orders)
        }
        self.hungry = []
        self.wake(at: now)
        self.noteDrained(orders: &orders)
        return orders
    }

    /// Do not wait for sessions any longer: all processes are told to stop and have a few seconds for it.
    package mutating func hurry(at now: Instant) -> Orders {
        var orders = self.shutdown(limit: .zero, at: now)
        if case .shuttingDown = self.phase { self.phase = .shuttingDown(deadline: now) }
        for index in self.groups.indices {
            self.bringForward(detachedOf: index, to: now)
            for position in self.groups[index].detached.indices {
                guard case .draining = self.groups[index].detached[position].state else { continue }
                self.stop(position, of: index, at: now, orders: &orders)
            }
        }
        return orders
    }

    /// All processes end now.
    package mutating func killAll(at now: Instant) -> Orders {
        var orders = self.hurry(at: now)
        for index in self.groups.indices {
            for position in self.groups[index].detached.indices
            where self.groups[index].detached[position].state != .killed {
                self.kill(position, of: index, orders: &orders)
            }
        }
        return orders
    }

    mutating func noteDrained(orders: inout Orders) {
        guard case .shuttingDown = self.phase, self.groups.allSatisfy(\.isEmpty) else { return }
        self.phase = .drained
        orders.notices.append(.drained)
    }

    /// What is on its way out already may not take longer than the rest.
    private mutating func bringForward(detachedOf index: Int, to deadline: Instant) {
        let last = deadline.advanced(by: Self.hurry)
        for position in self.groups[index].detached.indices {
            switch self.groups[index].detached[position].state {
            case .draining(let until, let thenKill):
                let state = Process.State.draining(until: min(until, deadline), thenKill: thenKill)
                self.groups[index].detached[position].state = state
            case .stopping(let killAt):
                self.groups[index].detached[position].state = .stopping(killAt: min(killAt, last))
            case .enabled, .disabling, .disabled, .killed:
                break
            }
        }
        self.wake(at: deadline)
        self.wake(at: last)
    }
}
