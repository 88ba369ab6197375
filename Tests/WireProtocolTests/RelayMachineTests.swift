// SPDX-License-Identifier: MIT

import Testing
import WireProtocol

struct RelayMachineTests {
    typealias Input = RelayMachine.Input
    typealias Output = RelayMachine.Output
    typealias Side = RelayMachine.Side

    private static func lead(_ side: Side, to input: Input, _ machine: inout RelayMachine) {
        switch input {
        case .quiet: break
        case .ready: machine.ready(side)
        case .ending: machine.endAnnounced(side)
        case .leaving: machine.hungUp(side)
        case .ended:
            machine.endAnnounced(side)
            machine.read(side, .endOfFile)
        case .gone:
            machine.hungUp(side)
            machine.read(side, .endOfFile)
        }
    }

    private static func lead(_ side: Side, to output: Output, _ machine: inout RelayMachine) {
        switch output {
        case .open: break
        case .full: machine.filledUp(side)
        case .deaf: machine.failed(side)
        case .shut:
            // Only the end of the other side shuts it.
            machine.endAnnounced(side.other)
            machine.read(side.other, .endOfFile)
            _ = machine.settled()
        }
    }

    private static func machine(_ side: Side, _ input: Input) -> RelayMachine {
        var machine = RelayMachine()
        lead(side, to: input, &machine)
        return machine
    }

    private func check(_ name: String, _ rows: [Input], _ event: (inout RelayMachine, Side) -> Void) {
        #expect(rows.count == Input.allCases.count)
        for side in Side.allCases {
            for (input, next) in zip(Input.allCases, rows) {
                var machine = Self.machine(side, input)
                #expect(machine[side].input == input)
                event(&machine, side)
                #expect(machine[side].input == next, "\(name) in \(input) of \(side)")
                #expect(machine[side.other] == RelayMachine()[side.other], "the other side has no part in it")
            }
        }
    }

    @Test func `an input remembers what is left to be read, and how it ends`() {
        self.check("ready", [.ready, .ready, .ending, .leaving, .ended, .gone]) { $0.ready($1) }
        self.check("end announced", [.ending, .ending, .ending, .leaving, .ended, .gone]) { $0.endAnnounced($1) }
        self.check("hung up", [.leaving, .leaving, .leaving, .leaving, .gone, .gone]) { $0.hungUp($1) }
        self.check("full read", [.quiet, .ready, .ending, .leaving, .ended, .gone]) { $0.read($1, .full) }
        // An end of file that came with the bytes has no edge of its own.
        self.check("some read", [.quiet, .quiet, .ending, .leaving, .ended, .gone]) { $0.read($1, .some) }
        // Somebody who inherited the socket keeps it open; the process itself says no more.
        self.check("nothing read", [.quiet, .quiet, .quiet, .gone, .ended, .gone]) { $0.read($1, .nothing) }
        self.check("end of file", [.ended, .ended, .ended, .gone, .ended, .gone]) { $0.read($1, .endOfFile) }
        self.check("failed read", [.gone, .gone, .gone, .gone, .gone, .gone]) { $0.read($1, .failed) }
    }

    @Test func `an output that is full holds its source back, and only that`() {
        for side in Side.allCases {
            for output in Output.allCases {
                for input in [Input.quiet, .ready, .ending, .leaving] {
                    var machine = Self.machine(side, input)
                    Self.lead(side.other, to: output == .shut ? .open : output, &machine)
                    #expect(machine.mayRead(side) == (input != .quiet && output != .full), "\(input), \(output)")
                }
            }
            for input in [Input.ended, .gone] { #expect(!Self.machine(side, input).mayRead(side)) }
        }
    }

    @Test(arguments: Output.allCases) func `an output is open or full until it is shut or deaf`(_ output: Output) {
        for side in Side.allCases {
            func after(_ event: (inout RelayMachine) -> Void) -> Output {
                var machine = RelayMachine()
                Self.lead(side, to: output, &machine)
                #expect(machine[side].output == output)
                event(&machine)
                return machine[side].output
            }
            let filled = after { $0.filledUp(side) }
            #expect(filled == (output == .open ? .full : output))
            let emptied = after { $0.emptied(side) }
            #expect(emptied == (output == .full ? .open : output))
            let failed = after { $0.failed(side) }
            #expect(failed == .deaf)
            let unwatchable = after { $0.unwatchable(side) }
            #expect(unwatchable == .deaf)
        }
    }

    @Test func `what has ended is told to the other side, once that has taken everything`() {
        for side in Side.allCases {
            var machine = Self.machine(side, .ready)
            machine.filledUp(side.other)
            machine.endAnnounced(side)
            machine.read(side, .endOfFile)
            #expect(machine.settled().shuts == [])
            machine.emptied(side.other)
            #expect(machine.settled().shuts == [side.other])
            #expect(machine.settled().shuts == [], "once")
        }
    }

    /// What is to become of a stream in each state of its four halves, in words of its own.
    @Test func `a stream goes on until the app has ended and the front knows, or has gone`() {
        for frontInput in Input.allCases {
            for appInput in Input.allCases {
                for frontOutput in [Output.open, .full, .deaf] {
                    for appOutput in [Output.open, .full, .deaf] {
                        var machine = RelayMachine()
                        Self.lead(.front, to: frontInput, &machine)
                        Self.lead(.app, to: appInput, &machine)
                        Self.lead(.front, to: frontOutput, &machine)
                        Self.lead(.app, to: appOutput, &machine)
                        let isAnswered = appInput.hasEnded && frontOutput != .full
                        let hasLeft = frontInput == .gone || frontInput == .leaving && appOutput == .full
                        let expected: RelayMachine.Settlement.Ending =
                            if isAnswered, frontInput.hasEnded {
                                .close
                            } else if isAnswered, appInput == .gone || appOutput == .deaf {
                                .closeSoon
                            } else if frontOutput == .deaf || hasLeft {
                                .abandon
                            } else {
                                .goOn
                            }
                        let state = "\(frontInput), \(frontOutput) and \(appInput), \(appOutput)"
                        #expect(machine.settled().ending == expected, "\(state)")
                        machine.abandoned()
                        #expect(machine.settled().ending == (appInput.hasEnded ? .close : .goOn), "\(state)")
                    }
                }
            }
        }
    }

    /// Bytes that a side has sent arrive, or are dropped because nobody takes them; every stream whose ends have closed is over.
    @Test(arguments: UInt64(0)..<200) func `every byte arrives, and every stream ends`(_ seed: UInt64) {
        var walk = Walk(seed: seed)
        for _ in 0..<300 where !walk.isClosed { walk.step() }
        walk.finish()
        #expect(walk.isClosed, "seed \(seed): \(walk.machine)")
        #expect(walk.violations.isEmpty, "seed \(seed): \(walk.violations)")
    }
}

/// Two sockets and their users, as far as the machine can tell.
private struct Walk {
    struct Socket {
        /// Bytes that its user has sent and the relay has not read.
        var unread = 0
        var isShut = false
        var isClosed = false
        /// Bytes of the relay that wait for room.
        var waiting = 0
        var isToldOfEnd = false
    }

    var machine = RelayMachine()
    var sockets: [RelayMachine.Side: Socket] = [.front: Socket(), .app: Socket()]
    var isClosed = false
    var violations: [String] = []
    private var random: SplitMix64

    init(seed: UInt64) { self.random = SplitMix64(seed: seed) }

    mutating func step() {
        let side: RelayMachine.Side = Bool.random(using: &self.random) ? .front : .app
        var socket = self.sockets[side] ?? Socket()
        switch Int.random(in: 0..<8, using: &self.random) {
        case 0...3 where !socket.isShut:
            socket.unread += Int.random(in: 1...3, using: &self.random)
            self.machine.ready(side)
        case 4 where !socket.isShut && Int.random(in: 0..<8, using: &self.random) == 0:
            socket.isShut = true
            self.machine.endAnnounced(side)
        case 5 where !socket.isClosed && Int.random(in: 0..<20, using: &self.random) == 0:
            (socket.isShut, socket.isClosed) = (true, true)
            self.machine.hungUp(side)
        case 6 where socket.waiting > 0:
            socket.waiting = 0
            if socket.isClosed { self.machine.failed(side) } else { self.machine.emptied(side) }
        default: break
        }
        self.sockets[side] = socket
        self.work()
    }

    /// Both users close, and what waits for room gets it.
    mutating func finish() {
        for side in RelayMachine.Side.allCases where !self.isClosed {
            self.sockets[side]?.isClosed = true
            self.sockets[side]?.isShut = true
            self.machine.hungUp(side)
            self.work()
        }
        for side in RelayMachine.Side.allCases where !self.isClosed && (self.sockets[side]?.waiting ?? 0) > 0 {
            self.sockets[side]?.waiting = 0
            self.machine.failed(side)
            self.work()
        }
    }

    private mutating func work() {
        guard !self.isClosed else { return }
        for side in RelayMachine.Side.allCases { self.pump(side) }
        let settlement = self.machine.settled()
        for side in settlement.shuts {
            if self.sockets[side]?.isToldOfEnd == true { self.violations.append("\(side) was shut twice") }
            if (self.sockets[side]?.waiting ?? 0) > 0 { self.violations.append("\(side) was shut before it had all") }
            if (self.sockets[side.other]?.unread ?? 0) > 0 {
                self.violations.append("bytes of \(side.other) were left")
            }
            self.sockets[side]?.isToldOfEnd = true
        }
        switch settlement.ending {
        case .goOn: break
        // The time that it is given ends.
        case .close, .closeSoon: self.isClosed = settlement.ending == .close || self.sockets[.front]?.isClosed == true
        case .abandon:
            self.machine.abandoned()
            // What nobody can be answered for is dropped.
            self.sockets[.front]?.waiting = 0
            self.sockets[.front]?.unread = 0
            self.work()
        }
    }

    private mutating func pump(_ side: RelayMachine.Side) {
        while self.machine.mayRead(side), var socket = self.sockets[side], var sink = self.sockets[side.other] {
            if self.machine[side].input.hasEnded { self.violations.append("\(side) was read after its end") }
            if socket.unread > 0 {
                socket.unread -= 1
                self.machine.read(side, socket.unread == 0 ? .some : .full)
                if self.machine[side.other].output != .deaf {
                    if sink.isToldOfEnd { self.violations.append("\(side.other) was written to after its end") }
                    if sink.isClosed {
                        self.machine.failed(side.other)
                        sink.waiting = 0
                    } else if Int.random(in: 0..<4, using: &self.random) == 0 {
                        sink.waiting += 1
                        self.machine.filledUp(side.other)
                    }
                }
            } else {
                self.machine.read(side, socket.isShut ? .endOfFile : .nothing)
            }
            self.sockets[side] = socket
            self.sockets[side.other] = sink
        }
    }
}
