// SPDX-License-Identifier: MIT

import SpawnPlan
import Testing

struct ForkDialogueTests {
    private static let honest = ForkedProcess(
        uids: [1001, 1001, 1001, 1001],
        isOwnChild: true,
        leadsSession: true,
        isInGroupOfPreloader: true
    )

    private func dialogue() -> ForkDialogue { ForkDialogue(name: "4f", uid: 1001, parent: 70) }

    private func claimed() -> ForkDialogue {
        var dialogue = dialogue()
        #expect(dialogue.received(Array("worker 4f\n".utf8), pid: 71, uid: 1001) == .examine(pid: 71))
        return dialogue
    }

    private func summary(_ action: ForkDialogue.Action) -> String? {
        guard case .failed(let cause) = action else { return nil }
        #expect(cause.step == .fork && cause.kind == .preloaderFailed)
        return cause.summary
    }

    @Test func `a worker that says its name is examined, and taken if the kernel says the same`() {
        var dialogue = claimed()
        #expect(dialogue.state == .claimed(pid: 71))
        #expect(dialogue.problem(of: Self.honest) == nil)
        #expect(dialogue.state == .claimed(pid: 71))
    }

    @Test func `a process that serves is asked for a preloader, and for nothing else`() {
        let words: [(LoaderProgram.Role, order: String, claim: String, other: String)] = [
            (.worker, "fork 4f\n", "worker 4f\n", "preloader 4f\n"),
            (.preloader, "refork 4f\n", "preloader 4f\n", "worker 4f\n"),
        ]
        for (role, order, claim, other) in words {
            let dialogue = ForkDialogue(name: "4f", role: role, uid: 1001, parent: 70)
            #expect(dialogue.order == order)
            var honest = dialogue
            #expect(honest.received(Array(claim.utf8), pid: 71, uid: 1001) == .examine(pid: 71))
            var wrong = dialogue
            let subject = role == .worker ? "the preloader (PID 70)" : "the process (PID 70)"
            #expect(summary(wrong.received(Array(other.utf8), pid: 71, uid: 1001))?.hasPrefix(subject) == true)
        }
    }

    @Test func `the line may come in pieces, but of one process only`() {
        var dialogue = dialogue()
        for byte in Array("worker 4f".utf8) { #expect(dialogue.received([byte], pid: 71, uid: 1001) == .none) }
        #expect(dialogue.received(Array("\n".utf8), pid: 71, uid: 1001) == .examine(pid: 71))
        dialogue = self.dialogue()
        #expect(dialogue.received(Array("worker ".utf8), pid: 71, uid: 1001) == .none)
        #expect(summary(dialogue.received(Array("4f\n".utf8), pid: 72, uid: 1001))?.contains("two processes") == true)
    }

    @Test(arguments: [
        "worker 4e\n", "worker 4f \n", "worker\n", "ready concurrency=1\n", "worker 4f\nready concurrency=1\n", "\n",
        "worker 4f\r\n", "WORKER 4f\n",
    ])
    func `anything else is no worker`(text: String) {
        var dialogue = dialogue()
        #expect(summary(dialogue.received(Array(text.utf8), pid: 71, uid: 1001)) != nil)
        #expect(dialogue.state == .failed)
        #expect(dialogue.received(Array("worker 4f\n".utf8), pid: 71, uid: 1001) == .none)
    }

    @Test func `the sender's uid is the kernel's, and has to be the app's`() {
        for uid in [0, 1002] as [UInt32] {
            var dialogue = dialogue()
            let action = dialogue.received(Array("worker 4f\n".utf8), pid: 71, uid: uid)
            #expect(summary(action)?.contains("uid \(uid)") == true)
        }
    }

    @Test func `a line without end is not waited for`() {
        var dialogue = dialogue()
        let bytes = [UInt8](repeating: UInt8(ascii: "w"), count: ForkDialogue.maxLineBytes)
        #expect(dialogue.received(bytes, pid: 71, uid: 1001) == .none)
        #expect(summary(dialogue.received([UInt8(ascii: "x")], pid: 71, uid: 1001)) != nil)
    }

    @Test func `what the kernel refused to the preloader is told, and is not its fault`() throws {
        var dialogue = dialogue()
        let action = dialogue.received(Array("failed Resource temporarily\\nunavailable\n".utf8), pid: 70, uid: 1001)
        guard case .failed(let cause) = action else { throw Missing() }
        #expect(cause.kind == .resources && cause.step == .fork)
        #expect(cause.summary == "the preloader (PID 70) could not fork: Resource temporarily\nunavailable")
    }

    private struct Missing: Error {}

    @Test func `ends and deadline count until the process is there`() {
        var events: [(String, (inout ForkDialogue) -> ForkDialogue.Action)] = []
        events.append(("nothing came of it within 10 seconds", { $0.deadlineReached(after: .seconds(10)) }))
        events.append(("it ended", { $0.preloaderEnded() }))
        events.append(("ended at once", { $0.channelClosed() }))
        events.append(("takes no orders (broken pipe)", { $0.orderFailed("broken pipe") }))
        for (text, event) in events {
            var dialogue = dialogue()
            #expect(summary(event(&dialogue))?.contains(text) == true)
            #expect(dialogue.state == .failed)
            #expect(event(&dialogue) == .none)
            dialogue = claimed()
            #expect(event(&dialogue) == .none)
            #expect(dialogue.state == .claimed(pid: 71))
        }
    }

    @Test func `a process that is not what it says is not taken`() {
        func refused(_ change: (inout ForkedProcess) -> Void, _ text: String) {
            var dialogue = claimed()
            var process = Self.honest
            change(&process)
            let cause = dialogue.problem(of: process)
            #expect(cause?.summary.contains(text) == true, "\(text): \(cause?.summary ?? "taken")")
            #expect(cause?.kind == .preloaderFailed && dialogue.state == .failed)
        }
        refused({ $0.isOwnChild = false }, "not a child of the daemon")
        for index in 0..<4 { refused({ $0.uids[index] = 0 }, "does not run as uid 1001") }
        refused({ $0.uids = [] }, "does not run as uid 1001")
        refused({ $0.leadsSession = false }, "no session of its own")
        refused({ $0.isInGroupOfPreloader = false }, "not in the control group of the preloader")
        var dialogue = claimed()
        #expect(dialogue.problem(of: nil)?.summary.contains("no new child of the daemon") == true)
    }

    @Test func `without control groups that much less is asked`() {
        var dialogue = claimed()
        var process = Self.honest
        process.isInGroupOfPreloader = nil
        #expect(dialogue.problem(of: process) == nil)
    }

    @Test func `nothing is asked about a process that nobody has claimed to be`() {
        var dialogue = dialogue()
        #expect(dialogue.problem(of: nil) == nil)
        #expect(dialogue.state == .asked)
    }
}
