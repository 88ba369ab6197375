// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The pages of `custom_error_page`, read by a thread of their own; shared by all event loops.
///
/// A file is read again when it has changed. A disk that does not answer costs those requests the page, nothing else.
final class CustomPages: Sendable {
    static let maxBytes = 1 << 20
    /// From the question to the short page.
    static let limit = TimeAmount.seconds(2)
    /// Requests that wait for one file; a disk that hangs must not collect more.
    private static let maxWaiting = 1024
    /// Bytes that are kept of all files together.
    private static let keptBytes = 8 << 20

    private struct File {
        var identity: FileStatus.Identity
        var size: Int64
        var modified: FileTime
        var content: ByteBuffer
    }

    private struct State {
        var files: [ExactText: File] = [:]
        /// What was logged about a path last.
        var failures: [ExactText: String] = [:]
        var waiting: [ExactText: [EventLoopPromise<ByteBuffer?>]] = [:]
        var isStarted = false
    }

    private struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State())
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// The content of a file; nil if it cannot be read, or not in time.
    ///
    /// Never fails.
    func page(at path: String, on eventLoop: any EventLoop) -> EventLoopFuture<ByteBuffer?> {
        let promise = eventLoop.makePromise(of: ByteBuffer?.self)
        let place = self.state.withLock { state in
            if !state.isStarted {
                state.isStarted = true
                self.thread.start()
            }
            let place = state.waiting[ExactText(path)]?.count ?? 0
            if place < Self.maxWaiting { state.waiting[ExactText(path), default: []].append(promise) }
            return place
        }
        if place >= Self.maxWaiting { promise.succeed(nil) }
        if place == 0 { self.thread.submit { _ in self.look(at: path) } }
        let answer = eventLoop.makePromise(of: ByteBuffer?.self)
        let timer = eventLoop.scheduleTask(in: Self.limit) { answer.succeed(nil) }
        promise.futureResult.whenSuccess { page in
            timer.cancel()
            answer.succeed(page)
        }
        return answer.futureResult
    }

    /// On the thread.
    private func look(at path: String) {
        let key = ExactText(path)
        var page: ByteBuffer?
        var failure: String?
        do {
            page = try self.read(path)
        } catch {
            failure = "\(error)"
        }
        let (waiting, isNews) = self.state.withLock { state in
            let isNews = failure != nil && state.failures[key] != failure
            state.failures[key] = failure
            if failure != nil { state.files[key] = nil }
            return (state.waiting.removeValue(forKey: key) ?? [], isNews)
        }
        if isNews, let failure {
            self.logger.error(
                "custom_error_page cannot be used, the short page is sent instead",
                metadata: [
                    LogKeys.file: "\(path)", LogKeys.error: "\(failure)",
                    LogKeys.user: "uid \(CurrentProcess.effectiveUID)",
                ]
            )
        }
        for promise in waiting { promise.succeed(page) }
    }

    private func read(_ path: String) throws -> ByteBuffer {
        // The rule for links of static files: an app's user could make it one to what only the worker may read.
        let found = try LinkedFiles.open(path)
        guard let number = found.release() else { throw Unusable(description: "it is closed") }
        let descriptor = Descriptor(owning: number)
        let status = found.status
        guard status.kind == .regular else { throw Unusable(description: "it is no regular file") }
        guard status.size <= Self.maxBytes else {
            throw Unusable(description: "it has \(status.size) bytes, more than \(Self.maxBytes)")
        }
        let known = self.state.withLock { $0.files[ExactText(path)] }
        if let known, known.identity == status.identity, known.size == status.size,
            known.modified == status.modificationTime
        {
            return known.content
        }
        let content = ByteBuffer(bytes: try descriptor.readAll(limit: Self.maxBytes))
        self.state.withLock { state in
            let kept = state.files.values.reduce(0) { $0 + $1.content.readableBytes }
            if kept + content.readableBytes > Self.keptBytes { state.files = [:] }
            state.files[ExactText(path)] = File(
                identity: status.identity,
                size: status.size,
                modified: status.modificationTime,
                content: content
            )
        }
        return content
    }
}
