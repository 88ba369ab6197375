// SPDX-License-Identifier: MIT

/// Two sockets that are one stream, front and app: what to read, when to shut which half, when it is over.
///
/// Each side has an input and an output, and each of the four is ended on its own:
///
///     input   quiet ─▶ ready ─▶ ending ─▶ ended        output   open ◀─▶ full ─▶ shut
///                └────────┴────────┴─▶ leaving ─▶ gone               └───────┴──▶ deaf
///
/// What one input brings goes to the other side's output. An input is read only while that takes it; once it has ended, the
/// output is shut. Readiness is edge-triggered: an edge is remembered until a read has shown that nothing is left.
package struct RelayMachine: Hashable, Sendable {
    package enum Side: Hashable, Sendable, CaseIterable {
        case front
        case app

        package var other: Side { self == .front ? .app : .front }
    }

    package enum Input: Hashable, Sendable, CaseIterable {
        /// Nothing is there until the next edge. Left by `ready`, `endAnnounced`, `hungUp`.
        case quiet
        /// Perhaps bytes. Left by `read`, `endAnnounced`, `hungUp`.
        case ready
        /// The far side writes no more: bytes, and an end of file for which there is no edge of its own. Left by `read`, `hungUp`.
        case ending
        /// The far side has closed, or its process has ended: bytes, and nothing else after them. Left by `read`.
        case leaving
        /// Read to its end. Left by `hungUp`.
        case ended
        /// Read to its end, and the far side does not read either.
        case gone

        package var hasEnded: Bool { self == .ended || self == .gone }
        fileprivate var isHungUp: Bool { self == .leaving || self == .gone }
    }

    package enum Output: Hashable, Sendable, CaseIterable {
        /// Left by `filledUp`, `failed`, `settled`.
        case open
        /// Bytes wait for room. Left by `emptied`, `failed`.
        case full
        /// The far side was told that nothing more comes. Left by `failed`.
        case shut
        /// Nobody takes what is written. Never left.
        case deaf
    }

    package struct End: Hashable, Sendable {
        package fileprivate(set) var input = Input.quiet
        package fileprivate(set) var output = Output.open
    }

    package private(set) var front = End()
    package private(set) var app = End()
    /// The front is gone: what the app still says is dropped.
    package private(set) var isAbandoned = false

    package init() {}

    package subscript(_ side: Side) -> End {
        get { side == .front ? self.front : self.app }
        set { if side == .front { self.front = newValue } else { self.app = newValue } }
    }

    // MARK: Inputs

    /// There are bytes, perhaps.
    package mutating func ready(_ side: Side) {
        if self[side].input == .quiet { self[side].input = .ready }
    }

    /// The far side has shut its writing half.
    package mutating func endAnnounced(_ side: Side) {
        switch self[side].input {
        case .quiet, .ready: self[side].input = .ending
        case .ending, .leaving, .ended, .gone: break
        }
    }

    /// The far side has closed, or the connection broke.
    package mutating func hungUp(_ side: Side) {
        switch self[side].input {
        case .quiet, .ready, .ending: self[side].input = .leaving
        case .ended: self[side].input = .gone
        case .leaving, .gone: break
        }
    }

    /// The process has ended: somebody who inherited its socket may keep that open, and says nothing for it.
    package mutating func processGone() { self.hungUp(.app) }

    /// Whether to read from there now.
    package func mayRead(_ side: Side) -> Bool {
        switch self[side].input {
        case .ready, .ending, .leaving: self[side.other].output != .full
        case .quiet, .ended, .gone: false
        }
    }

    package enum Read: Hashable, Sendable, CaseIterable {
        /// As many bytes as there was room for.
        case full
        /// Fewer: the socket is empty.
        case some
        case nothing
        case endOfFile
        /// The far side has closed, and had not read all that was written to it.
        case failed
    }

    /// What a read has come to.
    package mutating func read(_ side: Side, _ read: Read) {
        let input = self[side].input
        switch read {
        case .full: break
        case .some: if input == .ready { self[side].input = .quiet }
        case .nothing: self[side].input = input == .leaving ? .gone : input.hasEnded ? input : .quiet
        case .endOfFile: self[side].input = input.isHungUp ? .gone : .ended
        case .failed: self[side].input = .gone
        }
    }

    // MARK: Outputs

    /// The socket did not take all.
    package mutating func filledUp(_ side: Side) {
        if self[side].output == .open { self[side].output = .full }
    }

    /// It took what had waited.
    package mutating func emptied(_ side: Side) {
        if self[side].output == .full { self[side].output = .open }
    }

    /// The far side does not read any more, and what was to be written is lost.
    package mutating func failed(_ side: Side) { self[side].output = .deaf }

    /// The kernel has no memory for its events: the side is of no more use.
    package mutating func unwatchable(_ side: Side) {
        self[side].output = .deaf
        if !self[side].input.hasEnded { self[side].input = .ended }
    }

    // MARK: Ends

    package struct Settlement: Hashable, Sendable {
        package enum Ending: Hashable, Sendable {
            case goOn
            /// Nothing is left to do.
            case close
            /// The app has ended; the front may read that and close, for a moment.
            case closeSoon
            /// The front is gone. Go on for the app alone: `abandoned`.
            case abandon
        }

        /// Sides to be told that nothing more comes.
        package var shuts: [Side] = []
        package var ending = Ending.goOn
    }

    /// What follows from all that has been told so far.
    package mutating func settled() -> Settlement {
        var settlement = Settlement()
        for side in Side.allCases where self[side].input.hasEnded && self[side.other].output == .open {
            self[side.other].output = .shut
            settlement.shuts.append(side.other)
        }
        settlement.ending = self.ending
        return settlement
    }

    private var ending: Settlement.Ending {
        let isAnswered = self.app.input.hasEnded && (self.front.output == .shut || self.front.output == .deaf)
        if isAnswered, self.front.input.hasEnded { return .close }
        // What the front has written meanwhile is to be known as unread: it closes when it has read to the end.
        if isAnswered, self.app.input.isHungUp || self.app.output == .deaf { return .closeSoon }
        let isFrontGone = self.front.output == .deaf || self.hasFrontLeft
        return isFrontGone && !self.isAbandoned ? .abandon : .goOn
    }

    /// The front has closed, and what it had sent before is with the app, or the app does not take it.
    private var hasFrontLeft: Bool {
        self.front.input == .gone || self.front.input == .leaving && self.app.output == .full
    }

    /// Nobody reads or writes at the front's side any more.
    package mutating func abandoned() {
        self.isAbandoned = true
        self.front.output = .deaf
        self.front.input = self.front.input.isHungUp ? .gone : .ended
    }
}
