// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

struct MachineFactsTests {
    @Test func `load and memory of this machine`() throws {
        let facts = MachineFacts()
        #expect(facts.loadAverages.count == 3 && facts.loadAverages.allSatisfy { Double($0) != nil })
        let total = try #require(facts.memory["MemTotal"])
        let available = try #require(facts.memory["MemAvailable"])
        #expect(available > 0 && available <= total)
        #expect(facts.memory["SwapTotal"] != nil)
    }

    @Test func `a machine without proc has no facts`() {
        let facts = MachineFacts(load: "", memory: "nonsense\nMemTotal: kB")
        #expect(facts.loadAverages == [] && facts.memory == [:])
    }
}
