// SPDX-License-Identifier: MIT

import LinuxSystem
package import NIOCore

/// Takes work that may hang away from the event loop.
package protocol OffLoopWork: AnyObject {
    /// Runs `work` elsewhere, then `completion` on the loop; false when it cannot be started now.
    func run<Answer: Sendable>(
        _ work: @escaping @Sendable () -> Answer,
        completion: @escaping (Answer) -> Void
    ) -> Bool
}

/// Runs work that may hang in the kernel, such as a stat on a dead network file system.
///
/// One thread for each piece of work, so that one that hangs holds up nobody else. Confined to its event loop.
package final class FileThreads: OffLoopWork {
    /// Beyond, nothing more is looked at: all of them hang.
    private static let limit = 512

    private let eventLoop: any EventLoop
    private var threads: [UInt64: OSThread] = [:]
    private var started: UInt64 = 0

    package init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    package func run<Answer: Sendable>(
        _ work: @escaping @Sendable () -> Answer,
        completion: @escaping (Answer) -> Void
    ) -> Bool {
        guard self.threads.count < Self.limit else { return false }
        self.started += 1
        let number = self.started
        let loop = self.eventLoop
        let finish = NIOLoopBound(
            { [weak self] (answer: Answer) in
                self?.threadEnded(number)
                completion(answer)
            },
            eventLoop: loop
        )
        do throws(SystemError) {
            self.threads[number] = try OSThread.start(name: "file-look") {
                let answer = work()
                loop.execute { finish.value(answer) }
            }
            return true
        } catch {
            return false
        }
    }

    /// It has nothing left to do but to end, so this does not block.
    private func threadEnded(_ number: UInt64) {
        self.threads.removeValue(forKey: number)?.join()
    }
}
