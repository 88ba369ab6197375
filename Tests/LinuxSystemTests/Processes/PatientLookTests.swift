// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct PatientLookTests {
    @Test func `whoever keeps the look waiting is left out, and the others are not`() throws {
        let pipe = try Pipe.make()
        let gate = pipe.readEnd
        let outcome = try PatientLook.filter(
            Array(1...300),
            patience: .milliseconds(200),
            maxSilent: 5
        ) { number in
            // Nothing ever comes through it, but an end.
            if number % 100 == 7 { _ = try? Poll.wait(gate, for: .readable, timeout: .seconds(5)) }
            return number % 2 == 0
        }
        #expect(outcome.silent == [7, 107, 207])
        #expect(outcome.found == (1...300).filter { $0 % 2 == 0 })
        #expect(pipe.writeEnd >= 0)
    }

    @Test func `the look ends when too many are silent`() throws {
        let pipe = try Pipe.make()
        let gate = pipe.readEnd
        let outcome = try PatientLook.filter([1, 2, 3, 4], patience: .milliseconds(50), maxSilent: 2) { number in
            if number > 1 { _ = try? Poll.wait(gate, for: .readable, timeout: .seconds(5)) }
            return true
        }
        #expect(outcome == PatientLook.Outcome(found: [1], silent: [2, 3]))
        #expect(pipe.writeEnd >= 0)
    }
}
