// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix

/// What a client has not taken yet of an answer: first in memory, behind that in an unnamed temporary file.
///
/// So an app is free as soon as it has produced its answer, however slow the client is. A file that has been read to
/// its end is given up, so its size stays near the watermark at which reading from the app stops.
///
/// A disk slower than the app must not make memory the buffer: while much waits to be written, `isCongested` asks for a
/// pause, and `relieved` is called when that has been written.
final class ResponseSpool {
    static let memoryBytes = 256 * 1024
    static let fileChunkBytes = 256 * 1024
    /// Bytes waiting to be written to the file at which reading from the app stops, and at which it goes on.
    private static let congestedBytes = 1024 * 1024
    private static let relievedBytes = 256 * 1024

    private let makeFile: () -> SpoolFile
    private let memoryShare: ClientShare?
    private var memory = CircularBuffer<ByteBuffer>()
    private var bytesInMemory = 0
    private var file: SpoolFile?
    private var fileRead = 0
    private var fileEnd = 0
    private var isReading = false
    private var relieved: () -> Void
    private var failure: (SpoolFile.Failure) -> Void

    /// `memoryShare`: what counts for the client.
    init(
        memoryShare: ClientShare? = nil,
        makeFile: @escaping () -> SpoolFile,
        relieved: @escaping () -> Void,
        failure: @escaping (SpoolFile.Failure) -> Void
    ) {
        self.memoryShare = memoryShare
        self.makeFile = makeFile
        self.relieved = relieved
        self.failure = failure
    }

    var count: Int { self.bytesInMemory + self.fileEnd - self.fileRead }
    var isEmpty: Bool { self.count == 0 }
    private(set) var isCongested = false

    /// The client has as much as it may: nothing more is to come until it has taken what there is.
    var isOverShare: Bool { self.file?.isOverShare ?? false }

    /// Whether memory and file hold this much, with what was read of the file and is not free yet.
    func holds(moreThan limit: Int) -> Bool { self.bytesInMemory + self.fileEnd > limit }

    func append(_ bytes: ByteBuffer) {
        if self.file == nil, self.bytesInMemory + bytes.readableBytes <= Self.memoryBytes,
            self.memoryShare?.resize(to: self.bytesInMemory + bytes.readableBytes) != false
        {
            self.memory.append(bytes)
            self.bytesInMemory += bytes.readableBytes
            return
        }
        let file = self.file ?? self.makeFile()
        self.file = file
        self.fileEnd += bytes.readableBytes
        file.append(bytes) { result in
            switch result {
            case .success:
                guard self.isCongested, file.pendingBytes <= Self.relievedBytes else { return }
                self.isCongested = false
                self.relieved()
            case .failure(let failure): self.fail(failure)
            }
        }
        if file.pendingBytes > Self.congestedBytes { self.isCongested = true }
    }

    /// The next bytes if they are in memory.
    func popMemory() -> ByteBuffer? {
        guard let bytes = self.memory.popFirst() else { return nil }
        self.bytesInMemory -= bytes.readableBytes
        // Less is always granted.
        _ = self.memoryShare?.resize(to: self.bytesInMemory)
        return bytes
    }

    /// Reads the next piece of the file and hands it to `body`, unless a read is under way or the file has no more.
    func readFile(_ body: @escaping (ByteBuffer) -> Void) {
        guard let file = self.file, !self.isReading, self.fileRead < self.fileEnd else { return }
        self.isReading = true
        file.read(at: self.fileRead, count: min(Self.fileChunkBytes, self.fileEnd - self.fileRead)) { result in
            self.isReading = false
            switch result {
            case .success(let bytes):
                self.fileRead += bytes.readableBytes
                if self.fileRead == self.fileEnd { self.dropFile() }
                body(bytes)
            case .failure(let failure): self.fail(failure)
            }
        }
    }

    func discard() {
        self.memory.removeAll()
        self.bytesInMemory = 0
        _ = self.memoryShare?.resize(to: 0)
        self.dropFile()
        self.relieved = {}
        self.failure = { _ in }
    }

    private func dropFile() {
        self.file?.discard()
        self.file = nil
        self.fileRead = 0
        self.fileEnd = 0
        self.isCongested = false
    }

    private func fail(_ failure: SpoolFile.Failure) {
        let report = self.failure
        self.discard()
        report(failure)
    }
}
