// SPDX-License-Identifier: MIT

import Synchronization

/// Looks at many things one after the other, each of which may keep who looks waiting for ever.
///
/// What /proc says of the memory of a process (environ, cmdline, smaps) is read through the process: one that has laid a file
/// over it which nobody delivers (FUSE) is waited for.
package enum PatientLook {
    /// What came of it.
    package struct Outcome: Equatable, Sendable {
        /// Those of which the look said true.
        package var found: [Int32]
        /// Those that did not let themselves be looked at in time.
        package var silent: [Int32]

        package init(found: [Int32] = [], silent: [Int32] = []) {
            self.found = found
            self.silent = silent
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    /// Returns after all of them, or after `maxSilent` that did not answer within `patience`.
    ///
    /// A look that hangs keeps a thread; the others go on in another one.
    package static func filter(
        _ numbers: [Int32],
        patience: Duration,
        maxSilent: Int,
        _ look: @escaping @Sendable (Int32) -> Bool
    ) throws(SystemError) -> Outcome {
        var outcome = Outcome()
        var rest = numbers[...]
        while !rest.isEmpty, outcome.silent.count < maxSilent {
            let answers = try Mailbox<Bool>()
            let isGivenUp = Flag()
            let numbers = rest
            try OSThread.startDetached(name: "process-look") {
                for number in numbers where !isGivenUp.isSet { answers.post(look(number)) }
            }
            while !rest.isEmpty {
                if try Poll.wait(answers.descriptor, for: .readable, timeout: patience).isEmpty {
                    isGivenUp.set()
                    outcome.silent.append(rest.removeFirst())
                    break
                }
                for isFound in answers.takeAll() {
                    let number = rest.removeFirst()
                    if isFound { outcome.found.append(number) }
                }
            }
        }
        return outcome
    }
}
