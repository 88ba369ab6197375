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
        case failed(SpawnFailure.Cause)
        /// What the program really gets, as far as is known by now.
        case told([EnvironmentVariable], [StartContext.ReportedLimit])
        case programRuns
    }

    private var progress = LaunchProgress()
    private let diagnosis: LaunchDiagnosis
    /// Nil once nothing of interest can come.
    private var report: SharedDescriptor?
    private let loop: EpollLoop
    private let work: WorkBoard.Subject
    private let chunk: UnsafeMutableRawBufferPointer
    private let tell: (News) -> Void
    private var source: EpollLoop.Source?

    init(_ ends: LaunchEnds, _ room: WatchRoom, work: WorkBoard.Subject, tell: @escaping (News) -> Void) {
        self.diagnosis = ends.diagnosis
        self.report = ends.report
        self.loop = room.loop
        self.work = work
        self.chunk = room.chunk
        self.tell = tell
    }

    func begin() throws(SystemError) {
        guard let report = self.report else { return }
        self.source = try self.loop.add(report.rawValue) { [weak self] _ in
            if let self { WorkBoard.run(self.work) { self.read() } }
        }
    }

    /// Reads what has been said by now: at most `LaunchRecords.maxBytes` ever.
    func read() {
        while let report = self.report {
            switch try? Transfers.read(report.rawValue, into: self.chunk) {
            case .bytes(let count):
                let bytes = UnsafeRawBufferPointer(rebasing: self.chunk[..<count])
                let news = self.progress.received(bytes)
                self.tell(.told(self.progress.environment, self.progress.limits))
                for news in news { self.take(news) }
            case .wouldBlock: return
            case .endOfStream, nil:
                self.end()
                if self.progress.reportEnded() == .programRuns { self.tell(.programRuns) }
            }
        }
    }

    /// Whatever is still said is of no interest.
    func end() {
        if let source = self.source { self.loop.remove(source) }
        self.source = nil
        self.report = nil
    }

    private func take(_ news: LaunchProgress.News) {
        switch news {
        case .step(let name, let moment): self.tell(.step(name, at: moment))
        case .failed(let failure):
            self.end()
            var diagnosis = self.diagnosis
            diagnosis.searchPath = self.progress.environment.last { $0.name == "PATH" }?.value
            self.tell(.failed(diagnosis.cause(failure)))
        }
    }
}
