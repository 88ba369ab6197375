// SPDX-License-Identifier: MIT

import CFuzzedHelper
import LinuxSystem
import SpawnPlan

/// What an app, its loader or its launch tells the daemon.
enum AppTargets {
    /// A loader's lines end as the same start, or the same failure, however they come.
    static func handshake(_ bytes: UnsafeRawBufferPointer) throws {
        let whole = Self.handshake([bytes])
        let inParts = Self.handshake([bytes.parts.0, bytes.parts.1])
        try require(whole == inParts, "the outcome depends on how the bytes were cut")
    }

    private static func handshake(_ parts: [UnsafeRawBufferPointer]) -> [Handshake.Action] {
        var context = StartContext(id: ErrorID(1))
        context.journey.begin(.loader, at: .zero)
        let timeout = StartTimeout(limit: .seconds(90), appRoot: "/srv/app")
        var handshake = Handshake(context: context, timeout: timeout)
        var actions: [Handshake.Action] = []
        for part in parts { actions.append(handshake.received(part, at: .seconds(1))) }
        actions.append(handshake.channelClosed(at: .seconds(2)))
        actions.append(handshake.processEnded(.exited(1), at: .seconds(3)))
        return actions.filter { $0 != .none }
    }

    /// The helper's report gives the same records whole and in two parts, and texts that stay on their line.
    static func launchRecords(_ bytes: UnsafeRawBufferPointer) throws {
        let header = Array("\(LaunchPlan.formatName)\0".utf8)
        for prefix in [[], header] {
            let whole = Self.records([prefix, Array(bytes)])
            let inParts = Self.records([prefix, Array(bytes.parts.0), Array(bytes.parts.1)])
            try require(whole == inParts, "the records depend on how the bytes were cut")
        }
    }

    private enum Heard: Equatable {
        case record(LaunchRecord)
        case unreadable(LaunchFailure)
    }

    private static func records(_ parts: [[UInt8]]) -> [Heard] {
        var reader = LaunchRecords()
        var heard: [Heard] = []
        for part in parts {
            do throws(LaunchFailure) {
                heard += try reader.received(part).map { .record($0) }
            } catch {
                // The launch is over with it; records of the same piece are not counted.
                return [.unreadable(error)]
            }
        }
        return heard
    }

    /// Every byte of output is in a line, or said to be left out; no line is longer than the limit.
    static func output(_ bytes: UnsafeRawBufferPointer) throws {
        var lines = OutputLines()
        var longest = 0
        func note(_ item: OutputLines.Item) {
            if case .line(let line) = item { longest = max(longest, line.count) }
        }
        lines.received(bytes.parts.0, at: .zero) { note($0) }
        lines.received(bytes.parts.1, at: .seconds(1)) { note($0) }
        lines.finish { note($0) }
        // A line that is cut says so behind its bytes.
        try require(longest <= OutputLines.maxLineBytes + 64, "a line of \(longest) bytes")
        let text = lines.tail.text
        // An incomplete character at either end becomes a mark of three bytes.
        try require(text.utf8.count <= 3 * lines.tail.limit, "the tail is longer than its limit")
    }

    /// Each variable of a file is a name of the usual characters and a value without line end.
    static func environmentFile(_ bytes: UnsafeRawBufferPointer) throws {
        var entries: [[UInt8]] = []
        let count = withUnsafeMutablePointer(to: &entries) { entries in
            fuzzed_environment_file(
                bytes.baseAddress,
                bytes.count,
                { entry, context in
                    guard let entry, let entries = context?.assumingMemoryBound(to: [[UInt8]].self) else { return }
                    entries.pointee.append(Array(String(cString: entry).utf8))
                },
                entries
            )
        }
        guard count >= 0 else { return }
        var names: Set<[UInt8]> = []
        for entry in entries {
            guard let mark = entry.firstIndex(of: UInt8(ascii: "=")) else { throw FuzzFinding("an entry has no =") }
            let name = Array(entry[..<mark])
            let isName = name.allSatisfy {
                $0 == 0x5F || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF)
            }
            try require(!name.isEmpty && isName, "a name is \(String(decoding: name, as: UTF8.self))")
            try require(names.insert(name).inserted, "a name is there twice")
        }
    }
}
