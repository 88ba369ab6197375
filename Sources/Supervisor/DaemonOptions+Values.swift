// SPDX-License-Identifier: MIT

import AppSettings
import ArgumentParser
import LinuxSystem
import ProgramLog
import SpawnPlan

/// Values of flags that only the daemon knows.
enum FlagValues {
    static func mode(_ text: String) throws(ValueError) -> UInt32 {
        guard let mode = UInt32(text, radix: 8), (0...0o777).contains(mode) else {
            throw ValueError("is not a mode such as 0660")
        }
        return mode
    }
}

extension FlagValues {
    static func outOfBandTimeout(_ text: String) throws(ValueError) -> Duration {
        let time = try ValueParsers.duration(text)
        guard time > .zero else { throw ValueError("leaves no time for out-of-band work") }
        return time
    }

    static func memoryMax(_ text: String) throws(ValueError) -> Int {
        let size = try ValueParsers.size(text)
        guard size >= AppSettings.leastMemory else { throw ValueError("is less than 4m") }
        return size
    }
}

extension ProcessOptions {
    /// Closes this process's memory to others of its user, who in a daemon without root rights are its apps too.
    func applyCoreDumps() {
        // A kernel that refuses serves all the same.
        if !self.coreDumps { try? CurrentProcess.allowTracing(false) }
    }
}

extension OwnershipCheck {
    init(flag text: String) throws(ValueError) {
        guard let check = OwnershipCheck(rawValue: text) else { throw ValueError("must be strict or warn") }
        self = check
    }
}

extension LogScale {
    init(text: String) throws(ValueError) {
        guard let scale = LogScale(try ValueParsers.integer(text, in: 0...7)) else {
            throw ValueError("must be from 0 to 7")
        }
        self = scale
    }
}

/// A value of a flag, with a refusal in the words of the argument parser.
func parsed<Value>(_ text: String, _ parse: (String) throws -> Value) throws -> Value {
    do {
        return try parse(text)
    } catch let error as ValueError {
        throw ValidationError("'\(text)' \(error.reason).")
    }
}

extension DaemonOptions {
    /// Refuses directories that could never serve their purpose.
    func checkPaths() throws(StartProblem) {
        if let path = self.process.loadersDir {
            // What cannot be looked at cannot be used either.
            guard (try? FileStatus(path: path))?.kind == .directory else {
                throw StartProblem("--loaders-dir: \(path) is no directory.")
            }
        }
        for path in self.fronts.appRootAllow {
            guard path.utf8.first == UInt8(ascii: "/"),
                !path.pathComponents.contains(where: { $0 == "." || $0 == ".." })
            else {
                throw StartProblem("--app-root-allow: \(path) is not an absolute path without . and ..")
            }
        }
    }
}
