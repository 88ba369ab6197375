// SPDX-License-Identifier: MIT

import Dispatch
import LinuxSystem
import NIOCore

/// An event loop of the front: one thread that waits for sockets, for time and for what other threads ask of it.
///
/// It is NIO's as far as tasks, timers and futures go. Its sockets (``StreamSocket``) are plain descriptors: a channel's pipeline
/// and registrations cost more per request than all that the front does with it.
final class SocketLoop: EventLoop {
    private enum Order: Sendable {
        case run(@Sendable () -> Void)
        case stop
    }

    private let thread: LoopThread
    private let orders: Mailbox<Order>

    /// `failed` is called on its thread when that cannot wait any more.
    init(name: String = "loop", failed: @escaping @Sendable (SystemError) -> Void) throws(SystemError) {
        let orders = try Mailbox<Order>()
        let thread = LoopThread()
        self.orders = orders
        self.thread = thread
        try EpollThread.startDetached(name: name, failed: failed) { loop throws(SystemError) in
            thread.begin(loop)
            try loop.add(orders) { order in
                switch order {
                case .run(let task): task()
                case .stop: loop.stop()
                }
            }
            loop.turnEnded = { thread.runTasks() }
        }
    }

    deinit { orders.post(.stop) }

    /// Its sockets and timers; to be used on its thread only.
    var epoll: EpollLoop {
        preconditionInEventLoop()
        return thread.epoll
    }

    /// What sockets read into, one after the other; on its thread only.
    var scratch: UnsafeMutableRawBufferPointer {
        assert(inEventLoop)
        return thread.scratch
    }

    /// Runs `task` at the end of the turn that is under way; on its thread only.
    func afterTurn(_ task: @escaping () -> Void) {
        preconditionInEventLoop()
        thread.tasks.append(task)
    }

    // MARK: As NIO knows it

    var inEventLoop: Bool { thread.isCurrent }

    func execute(_ task: @escaping @Sendable () -> Void) {
        if inEventLoop { thread.tasks.append(task) } else { orders.post(.run(task)) }
    }

    // NIO's name for what `assumeIsolated().execute` calls.
    // swift-format-ignore: NoLeadingUnderscores
    func _executeIsolatedUnsafeUnchecked(_ task: @escaping () -> Void) { afterTurn(task) }

    @discardableResult
    func scheduleTask<Value>(
        deadline: NIODeadline,
        _ task: @escaping @Sendable () throws -> Value
    ) -> Scheduled<Value> {
        let promise = makePromise(of: Value.self)
        let keeper = PromiseKeeper(promise)
        let timer = NIOLoopBoundBox<EpollLoop.Timer?>.makeBoxSendingValue(nil, eventLoop: self)
        perform { [self] in
            timer.value = thread.epoll.schedule(at: deadline.uptimeNanoseconds) {
                timer.value = nil
                keeper.promise.assumeIsolated().completeWith(Result { try task() })
            }
        }
        return Scheduled(promise: promise) { [self] in
            perform { [self] in
                if let set = timer.value { thread.epoll.cancel(set) }
                timer.value = nil
            }
        }
    }

    @discardableResult
    func scheduleTask<Value>(in time: TimeAmount, _ task: @escaping @Sendable () throws -> Value) -> Scheduled<Value> {
        scheduleTask(deadline: .now() + time, task)
    }

    /// At once on its thread, so that what was set can be cancelled in the same turn.
    private func perform(_ body: @escaping @Sendable () -> Void) {
        if inEventLoop { body() } else { orders.post(.run(body)) }
    }

    func preconditionInEventLoop(file: StaticString, line: UInt) {
        precondition(inEventLoop, "not on the loop's thread", file: file, line: line)
    }

    func preconditionNotInEventLoop(file: StaticString, line: UInt) {
        precondition(!inEventLoop, "on the loop's thread", file: file, line: line)
    }

    func next() -> any EventLoop { self }

    func makeIterator() -> EventLoopIterator { EventLoopIterator([self]) }

    /// What is on its way to the thread is still done.
    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        orders.post(.stop)
        queue.async { callback(nil) }
    }
}

/// Lets nobody wait for a timer that a loop drops when it stops.
private final class PromiseKeeper<Value>: Sendable {
    let promise: EventLoopPromise<Value>

    init(_ promise: EventLoopPromise<Value>) { self.promise = promise }

    /// Nothing for a promise that was kept.
    deinit { promise.fail(EventLoopError.shutdown) }
}

/// What belongs to a loop's thread.
///
/// Nothing guards it but that its users are on that thread: `SocketLoop` looks.
private final class LoopThread: @unchecked Sendable {
    private static let scratchBytes = 64 * 1024

    private var identity: OSThread.Identity?
    private var loop: EpollLoop?
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: scratchBytes, alignment: 16)
    /// For the end of the turn.
    var tasks: [() -> Void] = []
    /// Those of the turn before, for their storage.
    private var running: [() -> Void] = []

    deinit { scratch.deallocate() }

    /// The first thing on the thread; whoever made the loop waits for it.
    func begin(_ loop: EpollLoop) {
        identity = .current
        self.loop = loop
    }

    var isCurrent: Bool { identity == .current }

    var epoll: EpollLoop {
        guard let loop else { preconditionFailure("the loop has not begun") }
        return loop
    }

    /// Those that are added meanwhile have to wait for the next turn, which comes at once: true if there are any.
    func runTasks() -> Bool {
        guard !tasks.isEmpty else { return false }
        swap(&tasks, &running)
        for task in running { task() }
        running.removeAll(keepingCapacity: true)
        return !tasks.isEmpty
    }
}
