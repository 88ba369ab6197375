// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import NIOPosix

/// An unnamed temporary file that bytes are appended to and read from, off the loop and one operation after the other.
///
/// Confined to its event loop; completions run there. The first failure is the answer to everything that follows.
final class SpoolFile {
    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// Nothing is wrong but that its client has as much here as it may.
        var isOverShare = false

        static let overShare = Failure(
            description: "temporary files of this client take more than its share of the room for them",
            isOverShare: true
        )
    }

    private enum Operation {
        case append(ByteBuffer, (Result<Void, Failure>) -> Void)
        case read(offset: Int, count: Int, (Result<ByteBuffer, Failure>) -> Void)
    }

    private enum State {
        case closed
        case opening
        case open(NIOFileHandle)
        case failed(Failure)
    }

    private let directory: String
    private let threadPool: NIOThreadPool
    private let fileIO: NonBlockingFileIO
    private let eventLoop: any EventLoop
    private var state = State.closed
    private var operations = CircularBuffer<Operation>()
    private var isBusy = false
    private var isDiscarded = false
    private let share: ClientShare?
    /// More was appended than its client may have here; it is stored all the same.
    private(set) var isOverShare = false
    /// Bytes appended and written.
    private(set) var writtenBytes = 0
    /// Bytes handed to `append` and not written yet.
    private(set) var pendingBytes = 0

    /// `share`: what counts for its client; nil: nothing is counted.
    init(directory: String, threadPool: NIOThreadPool, eventLoop: any EventLoop, share: ClientShare? = nil) {
        self.share = share
        self.directory = directory
        self.threadPool = threadPool
        self.fileIO = NonBlockingFileIO(threadPool: threadPool)
        self.eventLoop = eventLoop
    }

    deinit {
        // The file has no name: closing it is all there is to do, and nobody could act on a failure.
        if case .open(let handle) = self.state { try? handle.close() }
    }

    func append(_ bytes: ByteBuffer, _ completion: @escaping (Result<Void, Failure>) -> Void) {
        self.pendingBytes += bytes.readableBytes
        if self.share?.resize(to: self.writtenBytes + self.pendingBytes) == false { self.isOverShare = true }
        self.operations.append(.append(bytes, completion))
        self.next()
    }

    /// Reads up to `count` bytes behind `offset`; these must have been appended.
    func read(at offset: Int, count: Int, _ completion: @escaping (Result<ByteBuffer, Failure>) -> Void) {
        self.operations.append(.read(offset: offset, count: count, completion))
        self.next()
    }

    /// Forgets what has not been done; completions are not called any more.
    func discard() {
        self.isDiscarded = true
        self.operations.removeAll()
    }

    private func next() {
        guard !self.isBusy, !self.operations.isEmpty else { return }
        switch self.state {
        case .closed: self.open()
        case .opening: break
        case .open(let handle): self.perform(self.operations.removeFirst(), handle)
        case .failed(let failure): self.failAll(failure)
        }
    }

    private func open() {
        self.state = .opening
        self.isBusy = true
        let directory = self.directory
        self.threadPool.runIfActive(eventLoop: self.eventLoop) {
            NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: try Files.createUnnamed(in: directory).release())
        }
        .assumeIsolated()
        .whenComplete { result in
            self.isBusy = false
            switch result {
            case .success(let handle): self.state = .open(handle)
            case .failure(let error): self.state = .failed(self.failure(error))
            }
            self.next()
        }
    }

    private func perform(_ operation: Operation, _ handle: NIOFileHandle) {
        self.isBusy = true
        switch operation {
        case .append(let bytes, let completion):
            self.fileIO.write(
                fileHandle: handle,
                toOffset: Int64(self.writtenBytes),
                buffer: bytes,
                eventLoop: self.eventLoop
            )
            .assumeIsolated()
            .whenComplete { result in
                self.pendingBytes -= bytes.readableBytes
                if case .success = result { self.writtenBytes += bytes.readableBytes }
                self.finished(result, completion)
            }
        case .read(let offset, let count, let completion):
            self.fileIO.read(
                fileHandle: handle,
                fromOffset: Int64(offset),
                byteCount: count,
                allocator: ByteBufferAllocator(),
                eventLoop: self.eventLoop
            )
            .assumeIsolated()
            .whenComplete { self.finished($0, completion) }
        }
    }

    private func finished<Value>(
        _ result: Result<Value, any Error>,
        _ completion: (Result<Value, Failure>) -> Void
    ) {
        self.isBusy = false
        let outcome = result.mapError { self.failure($0) }
        if case .failure(let failure) = outcome { self.fail(failure) }
        if !self.isDiscarded { completion(outcome) }
        self.next()
    }

    private func failure(_ error: any Error) -> Failure {
        guard let error = error as? IOError else { return Failure(description: "\(error)") }
        let reason = SystemError(call: "write", code: error.errnoCode, subject: "a file in \(self.directory)")
        return Failure(description: "\(reason)")
    }

    private func fail(_ failure: Failure) {
        // A failed file is never used again; nobody could act on a failure to close it.
        if case .open(let handle) = self.state { try? handle.close() }
        self.state = .failed(failure)
    }

    private func failAll(_ failure: Failure) {
        while let operation = self.operations.popFirst() {
            switch operation {
            case .append(let bytes, let completion):
                self.pendingBytes -= bytes.readableBytes
                completion(.failure(failure))
            case .read(_, _, let completion): completion(.failure(failure))
            }
        }
    }
}
