// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Memory in which the threads of a process note what they work on, for whoever outlives it.
///
/// There is one board in a process: the one that it made last, or adopted. Noting is two stores in that memory, and costs a
/// thread nothing else but at its first time.
package enum WorkBoard {
    /// Something that threads work on; 0 is nothing in particular.
    package struct Subject: Hashable, Sendable {
        fileprivate let number: UInt32

        package static let none = Subject(number: 0)
        /// How many there may be at a time.
        package static let maxCount = UInt32(FP_WORK_SUBJECTS)

        /// `number` is from 1 to `maxCount`.
        package init(number: UInt32) { self.number = number }
    }

    /// A subject, by its text, that is to be left alone until a moment of `MonotonicClock`.
    package struct Held: Equatable, Sendable {
        package var text: [UInt8]
        package var until: UInt64
        /// How often work on it has ended a process.
        package var crashes: UInt32
        /// The process that has the board does not leave it alone any more.
        package var isLifted = false

        package init(text: [UInt8], until: UInt64, crashes: UInt32) {
            self.text = text
            self.until = until
            self.crashes = crashes
        }
    }

    /// Bytes of the text that names a subject; shorter ones are filled with zeros.
    package static let textBytes = Int(FP_WORK_TEXT)
    /// More are not held at a time.
    package static let maxHeld = Int(FP_WORK_HELD)

    /// A new board; the descriptor is for the process that notes its work there (memfd_create(2)).
    package static func make() throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked("memfd_create") { fp_work_make() })
    }

    /// Takes over the board of another process.
    ///
    /// A thread that faults from now on leaves word of what it was at.
    package static func adopt(_ descriptor: borrowing Descriptor) throws(SystemError) {
        _ = try checked("mmap") { fp_work_adopt(descriptor.rawValue) }
    }

    /// Says what the number of a subject means.
    package static func name(_ subject: Subject, _ text: [UInt8]) {
        fp_work_name(subject.number, self.padded(text))
    }

    /// Notes the subject for as long as `body` runs.
    package static func run<Result, Failure: Error>(
        _ subject: Subject,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let before = fp_work_begin(subject.number)
        defer { fp_work_end(before) }
        return try body()
    }

    /// What the thread worked on by which the process that had the board died; nil: nothing, or nobody knows.
    package static func culprit() -> [UInt8]? {
        var text = [UInt8](repeating: 0, count: self.textBytes)
        return fp_work_culprit(&text) ? text : nil
    }

    /// Written before the process starts, and read by it.
    package static var held: [Held] {
        get {
            (0..<UInt32(self.maxHeld)).map { fp_work_held_at($0) }.prefix { $0.until > 0 }.map { Held($0) }
        }
        set {
            for index in 0..<self.maxHeld {
                var entry = fp_work_held()
                if index < newValue.count {
                    entry.until = newValue[index].until
                    entry.crashes = newValue[index].crashes
                    withUnsafeMutableBytes(of: &entry.text) { $0.copyBytes(from: self.padded(newValue[index].text)) }
                }
                fp_work_set_held(UInt32(index), &entry)
            }
        }
    }

    /// The subject with this text is not left alone any more; whoever made the board reads it later.
    package static func lift(_ text: [UInt8]) {
        let text = self.padded(text)
        for (index, held) in self.held.enumerated() where held.text == text { fp_work_lift(UInt32(index)) }
    }

    fileprivate static func padded(_ text: [UInt8]) -> [UInt8] {
        Array(text.prefix(self.textBytes)) + Array(repeating: 0, count: max(0, self.textBytes - text.count))
    }
}

extension WorkBoard.Held {
    fileprivate init(_ entry: fp_work_held) {
        self.init(
            text: withUnsafeBytes(of: entry.text) { Array($0) },
            until: entry.until,
            crashes: entry.crashes
        )
        self.isLifted = entry.is_lifted != 0
    }
}
