// SPDX-License-Identifier: MIT

/// What a thread does that waits for many descriptors and for time.
///
/// Confined to that thread. Level-triggered unless a source asks otherwise.
package final class EpollLoop {
    package typealias Handler = (Epoll.Events) -> Void

    /// A descriptor that the loop listens to; whoever owns the descriptor removes the source before closing it.
    package struct Source: Hashable, Sendable {
        fileprivate let slot: UInt32
        fileprivate let generation: UInt32
        fileprivate let number: Int32

        /// The slot in the lower half, so that an event finds its handler by one look into an array.
        fileprivate var token: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
    }

    package typealias Timer = TimerQueue<() -> Void>.ID

    /// A slot is used again at once, but by another generation: an event of the same batch cannot reach its successor.
    private struct Slot {
        var generation: UInt32 = 0
        var handler: Handler?
    }

    /// Called after the events, messages and timers of each turn; true if there is more to do.
    ///
    /// The next turn does not wait then.
    package var turnEnded: (() -> Bool)?

    private let epoll: Epoll
    private var events: Epoll.EventBuffer
    private var slots: [Slot] = []
    private var freeSlots: [UInt32] = []
    private var timers = TimerQueue<() -> Void>()
    /// Of mailboxes that something came for in this turn.
    private var deliveries: [() -> Void] = []
    private var isStopped = false

    /// `eventsPerTurn`: handled before timers and messages get their turn.
    package init(eventsPerTurn: Int = 512) throws(SystemError) {
        epoll = try Epoll()
        events = Epoll.EventBuffer(capacity: eventsPerTurn)
    }

    /// Number of the epoll instance.
    package var rawValue: Int32 { epoll.rawValue }

    /// Runs until ``stop()``; throws when the kernel does not let it wait any more.
    package func run() throws(SystemError) {
        var hasMore = false
        while !isStopped {
            let count = try epoll.wait(&events, milliseconds: hasMore ? 0 : timeout())
            for index in 0..<count { handle(events[index]) }
            while let deliver = deliveries.popLast() { deliver() }
            if !timers.isEmpty { runTimers() }
            hasMore = turnEnded?() ?? false
        }
    }

    /// Ends ``run()`` after the turn that is under way.
    package func stop() { isStopped = true }

    // MARK: Descriptors

    /// Calls `handler` whenever the descriptor is ready, until the source is removed.
    package func add(
        _ number: Int32,
        for events: Epoll.Events = .readable,
        _ handler: @escaping Handler
    ) throws(SystemError) -> Source {
        let slot = freeSlots.popLast() ?? UInt32(slots.count)
        if slot == slots.count { slots.append(Slot()) }
        slots[Int(slot)].handler = handler
        let source = Source(slot: slot, generation: slots[Int(slot)].generation, number: number)
        do {
            try epoll.add(number, for: events, token: source.token)
        } catch {
            free(source)
            throw error
        }
        return source
    }

    /// Calls `handler` with every message, in the order in which they were posted.
    ///
    /// After the events of the turn: what a message tells of may have caused some of them.
    package func add<Message>(
        _ mailbox: Mailbox<Message>,
        _ handler: @escaping (Message) -> Void
    ) throws(SystemError) {
        _ = try add(mailbox.descriptor) { [unowned self] _ in
            self.deliveries.append { for message in mailbox.takeAll() { handler(message) } }
        }
    }

    /// Asks for other events; takes no memory, so it does not fail for a descriptor that is open.
    ///
    /// A hang-up is told whatever is asked for; with `edgeTriggered` alone, once.
    package func modify(_ source: Source, for events: Epoll.Events) throws(SystemError) {
        try epoll.modify(source.number, for: events, token: source.token)
    }

    /// Lets go of the handler; does nothing the second time.
    package func remove(_ source: Source) {
        guard slots[Int(source.slot)].generation == source.generation else { return }
        // Not in any more if its descriptor was closed.
        try? epoll.remove(source.number)
        free(source)
    }

    /// Lets go of everything that was given to it, and so of whoever refers to the loop.
    func removeAll() {
        for slot in slots.indices {
            slots[slot].handler = nil
            slots[slot].generation &+= 1
        }
        timers = TimerQueue()
        turnEnded = nil
    }

    private func free(_ source: Source) {
        slots[Int(source.slot)].handler = nil
        slots[Int(source.slot)].generation &+= 1
        freeSlots.append(source.slot)
    }

    @inline(__always)
    private func handle(_ event: Epoll.Event) {
        let slot = Int(event.token & 0xFFFF_FFFF)
        guard slots[slot].generation == UInt32(event.token >> 32), let handler = slots[slot].handler else { return }
        handler(event.events)
    }

    // MARK: Time

    /// Calls `body` once, at a moment of `MonotonicClock` or soon after it.
    @discardableResult
    package func schedule(at moment: UInt64, _ body: @escaping () -> Void) -> Timer { timers.add(body, at: moment) }

    /// Does nothing once it has been called.
    package func cancel(_ timer: Timer) { timers.remove(timer) }

    /// Rounded up, or a wait for the last half millisecond would spin.
    private func timeout() -> Int32 {
        guard let next = timers.earliest else { return -1 }
        let now = MonotonicClock.now
        return next <= now ? 0 : Int32(clamping: (next - now - 1) / 1_000_000 + 1)
    }

    private func runTimers() {
        let now = MonotonicClock.now
        while let body = timers.takeDue(at: now) { body() }
    }
}
