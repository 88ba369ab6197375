// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import NIOCore
import WireProtocol

/// Master and worker are the same program, so this format has no versions.
extension WorkerBootstrap {
    func encoded() -> ByteBuffer {
        var buffer = ByteBuffer()
        switch source {
        case .files(let paths):
            buffer.writeInteger(UInt8(0))
            buffer.writeTexts(paths)
        case .commandLine(let app):
            buffer.writeInteger(UInt8(1))
            buffer.writeText(app.directory)
            buffer.writeTexts(app.listens)
            buffer.writeText(app.appRoot)
            buffer.writeTexts(app.settings)
        }
        buffer.writeInteger(UInt32(snapshot.files.count))
        for (path, bytes) in snapshot.files {
            buffer.writeText(path.text)
            buffer.writeInteger(UInt32(bytes.count))
            buffer.writeBytes(bytes)
        }
        buffer.writeInteger(UInt32(snapshot.matches.count))
        for (pattern, paths) in snapshot.matches {
            buffer.writeText(pattern.text)
            buffer.writeTexts(paths)
        }
        buffer.writeTexts(snapshot.links.flatMap { [$0.key.text, $0.value] })
        buffer.writeTexts(flyWith.map { [$0] } ?? [])
        buffer.writeText(frontName)
        buffer.writeInteger(token.high)
        buffer.writeInteger(token.low)
        buffer.writeInteger(UInt32(threads))
        buffer.writeInteger(UInt32(logLevel))
        buffer.writeInteger(UInt8(takesAppSockets ? 1 : 0))
        buffer.writeTexts(listens.map(\.description))
        return buffer
    }

    /// nil if the bytes are none of `encoded`.
    init?(decoding bytes: ByteBuffer) {
        var buffer = bytes
        guard let source = buffer.readSource(), let snapshot = buffer.readSnapshot(),
            let flyWith = buffer.readTexts(), let frontName = buffer.readText(),
            let high = buffer.readInteger(as: UInt64.self), let low = buffer.readInteger(as: UInt64.self),
            let threads = buffer.readInteger(as: UInt32.self), let logLevel = buffer.readInteger(as: UInt32.self),
            let takesAppSockets = buffer.readInteger(as: UInt8.self), let listens = buffer.readAddresses(),
            buffer.readableBytes == 0
        else { return nil }
        self.init(
            source: source,
            snapshot: snapshot,
            flyWith: flyWith.first,
            frontName: frontName,
            token: WorkerToken(high: high, low: low),
            threads: Int(threads),
            logLevel: Int(logLevel),
            takesAppSockets: takesAppSockets != 0,
            listens: listens
        )
    }
}

extension DrainOrder {
    func encoded() -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeTexts(closingListens.map(\.description))
        return buffer
    }

    init?(decoding bytes: ByteBuffer) {
        var buffer = bytes
        guard let listens = buffer.readAddresses() else { return nil }
        closingListens = listens
    }
}

extension ByteBuffer {
    fileprivate mutating func writeText(_ text: String) {
        writeInteger(UInt32(text.utf8.count))
        writeString(text)
    }

    fileprivate mutating func writeTexts(_ texts: [String]) {
        writeInteger(UInt32(texts.count))
        for text in texts { writeText(text) }
    }

    fileprivate mutating func readText() -> String? {
        guard let length = readInteger(as: UInt32.self) else { return nil }
        return readString(length: Int(length))
    }

    fileprivate mutating func readTexts() -> [String]? {
        guard let count = readInteger(as: UInt32.self), Int(count) <= readableBytes else { return nil }
        var texts: [String] = []
        for _ in 0..<count {
            guard let text = readText() else { return nil }
            texts.append(text)
        }
        return texts
    }

    fileprivate mutating func readAddresses() -> [ListenAddress]? {
        guard let texts = readTexts() else { return nil }
        // The master sends what it has read; anything else ends the worker by the count.
        let addresses = texts.compactMap { try? ListenAddress($0) }
        return addresses.count == texts.count ? addresses : nil
    }

    fileprivate mutating func readSource() -> ConfigurationSource? {
        switch readInteger(as: UInt8.self) {
        case 0: return readTexts().map { .files($0) }
        case 1:
            guard let directory = readText(), let listens = readTexts(), let appRoot = readText(),
                let settings = readTexts()
            else { return nil }
            return .commandLine(
                CommandLineApp(directory: directory, listens: listens, appRoot: appRoot, settings: settings)
            )
        default: return nil
        }
    }

    fileprivate mutating func readSnapshot() -> ConfigurationSnapshot? {
        var snapshot = ConfigurationSnapshot()
        guard let fileCount = readInteger(as: UInt32.self) else { return nil }
        for _ in 0..<fileCount {
            guard let path = readText(), let length = readInteger(as: UInt32.self),
                let bytes = readBytes(length: Int(length))
            else { return nil }
            snapshot.files[ExactText(path)] = bytes
        }
        guard let patternCount = readInteger(as: UInt32.self) else { return nil }
        for _ in 0..<patternCount {
            guard let pattern = readText(), let paths = readTexts() else { return nil }
            snapshot.matches[ExactText(pattern)] = paths
        }
        guard let links = readTexts(), links.count.isMultiple(of: 2) else { return nil }
        for index in stride(from: 0, to: links.count, by: 2) {
            snapshot.links[ExactText(links[index])] = links[index + 1]
        }
        return snapshot
    }
}
