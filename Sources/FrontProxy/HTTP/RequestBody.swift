// SPDX-License-Identifier: MIT

import NIOCore

/// Collects the body of a request before an app is asked: in memory up to 128 KB, above that in a temporary file.
final class RequestBody {
    static let memoryBytes = 128 * 1024
    /// Bytes waiting to be written to the file at which reading from the client stops, and at which it goes on.
    private static let congestedBytes = 1024 * 1024
    private static let relievedBytes = 256 * 1024

    enum Outcome {
        case complete(RequestContent)
        case failed(SpoolFile.Failure)
    }

    private let makeFile: () -> SpoolFile
    /// Until it is complete: then the queues of requests have their own bounds.
    private let memoryShare: ClientShare?
    private var memory: ByteBuffer
    private var file: SpoolFile?
    private(set) var count = 0
    private(set) var failure: SpoolFile.Failure?
    private var finish: ((Outcome) -> Void)?
    private var relieved: (() -> Void)?

    /// `expected`: bytes that will come, if that is known; `memoryShare`: what counts for the client.
    init(
        expected: Int?,
        allocator: ByteBufferAllocator,
        memoryShare: ClientShare? = nil,
        makeFile: @escaping () -> SpoolFile
    ) {
        self.makeFile = makeFile
        self.memoryShare = memoryShare
        let expected = expected ?? 0
        self.memory = expected <= Self.memoryBytes ? allocator.buffer(capacity: expected) : ByteBuffer()
        if expected > Self.memoryBytes { self.file = makeFile() }
    }

    var isCongested: Bool { (self.file?.pendingBytes ?? 0) > Self.congestedBytes }

    func append(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        self.count += bytes.readableBytes
        if self.file == nil {
            if self.count <= Self.memoryBytes, self.memoryShare?.resize(to: self.count) != false {
                self.memory.writeImmutableBuffer(bytes)
                return
            }
            let file = self.makeFile()
            self.file = file
            self.write(self.memory, to: file)
            self.memory = ByteBuffer()
            _ = self.memoryShare?.resize(to: 0)
        }
        guard let file = self.file else { return }
        self.write(bytes, to: file)
        if file.isOverShare, self.failure == nil { self.failure = .overShare }
    }

    /// Calls back once most of what was waiting has been written.
    func whenRelieved(_ body: @escaping () -> Void) { self.relieved = body }

    /// Nothing more comes: `completion` has the content as soon as all of it is stored.
    func end(_ completion: @escaping (Outcome) -> Void) {
        self.finish = completion
        self.finishIfStored()
    }

    func discard() {
        self.file?.discard()
        self.finish = nil
        self.relieved = nil
    }

    private func write(_ bytes: ByteBuffer, to file: SpoolFile) {
        guard bytes.readableBytes > 0 else { return }
        file.append(bytes) { result in
            if case .failure(let failure) = result { self.failure = failure }
            if let relieved = self.relieved, self.failure != nil || file.pendingBytes <= Self.relievedBytes {
                self.relieved = nil
                relieved()
            }
            self.finishIfStored()
        }
    }

    private func finishIfStored() {
        guard let finish = self.finish else { return }
        if let failure = self.failure {
            self.finish = nil
            finish(.failed(failure))
        } else if let file = self.file {
            guard file.pendingBytes == 0 else { return }
            self.finish = nil
            finish(.complete(.file(file, length: self.count)))
        } else {
            self.finish = nil
            finish(.complete(.memory(self.memory)))
        }
    }
}
