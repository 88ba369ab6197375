// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan

/// A helper that is becoming a program: its report, and what a failure in it means.
///
/// Confined to the watcher's thread.
final class WatchedLaunch {
    enum News {
        case step(String, at: UInt64)
        case failed(SpawnProblem)
        case programRuns
    }

    private(set) var progress = LaunchProgress()
    private let ends: LaunchEnds
    private let loop: EpollLoop
    private let chunk: UnsafeMutableRawBufferPointer
    private let tell: (News) -> Void
    private var source: EpollLoop.Source?
    private var isOver = false

    init(_ ends: LaunchEnds, _ room: WatchRoom, tell: @escaping (News) -> Void) {
        self.ends = ends
        self.loop = room.loop
        self.chunk = room.chunk
        self.tell = tell
    }

    func begin() throws(SystemError) {
        self.source = try self.loop.add(self.ends.report.rawValue) { [weak self] _ in self?.read() }
    }

    /// Reads what has been said by now: at most `LaunchRecords.maxBytes` ever.
    func read() {
        while !self.isOver {
            switch try? Transfers.read(self.ends.report.rawValue, into: self.chunk) {
            case .bytes(let count):
                let bytes = UnsafeRawBufferPointer(rebasing: self.chunk[..<count])
                for news in self.progress.received(bytes) { self.take(news) }
            case .wouldBlock: return
            case .endOfStream, nil:
                self.end()
                if self.progress.reportEnded() == .programRuns { self.tell(.programRuns) }
            }
        }
    }

    /// Whatever is still said is of no interest.
    func end() {
        self.isOver = true
        if let source = self.source { self.loop.remove(source) }
        self.source = nil
    }

    private func take(_ news: LaunchProgress.News) {
        switch news {
        case .step(let name, let moment): self.tell(.step(name, at: moment))
        case .failed(let failure):
            self.end()
            var diagnosis = self.ends.diagnosis
            diagnosis.searchPath = self.progress.environment.last { $0.name == "PATH" }?.value
            self.tell(.failed(diagnosis.problem(failure)))
        }
    }
}
