// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct FileTimeTests {
    /// What utimensat(2) takes, in the words of touch(1); tmpfs keeps all of them.
    private static let moments: [(text: String, time: FileTime)] = [
        ("@0", FileTime(seconds: 0, nanoseconds: 0)),
        ("@-0.000000001", FileTime(seconds: -1, nanoseconds: 999_999_999)),
        ("@-2208988800", FileTime(seconds: -2_208_988_800, nanoseconds: 0)),
        // The last second whose nanoseconds fit into 64 bits, and the next ones.
        ("@9223372036.854775807", FileTime(seconds: 9_223_372_036, nanoseconds: 854_775_807)),
        ("@9223372036.854775808", FileTime(seconds: 9_223_372_036, nanoseconds: 854_775_808)),
        ("@9223372037", FileTime(seconds: 9_223_372_037, nanoseconds: 0)),
        ("@10413792000", FileTime(seconds: 10_413_792_000, nanoseconds: 0)),
        ("@253402300800", FileTime(seconds: 253_402_300_800, nanoseconds: 0)),
        // The kernel drops the fraction of the last second of all.
        ("@9223372036854775806.999999999", FileTime(seconds: .max - 1, nanoseconds: 999_999_999)),
        ("@9223372036854775807.999999999", FileTime(seconds: .max, nanoseconds: 0)),
        ("@-9223372036854775808", FileTime(seconds: .min, nanoseconds: 0)),
    ]

    @Test(.enabled(if: (try? FileStatus(path: "/dev/shm")) != nil, "no tmpfs"), arguments: moments.indices)
    func `every moment that a user may set is read as it is`(_ index: Int) throws {
        let (text, time) = Self.moments[index]
        let path = try Files.makeTemporaryDirectory(in: "/dev/shm", prefix: "linux-system-tests.")
        defer { try? Files.removeTree(path) }
        try #require(try TestProgram("/usr/bin/touch", ["-d", text, path]).run().status.isSuccess)
        #expect(try FileStatus(path: path).modificationTime == time)
        #expect(try OpenDirectory.openAnything(path).cachedStatus().modificationTime == time)
        #expect(try OpenDirectory.openAnything("/dev/shm").cachedStatus(of: Self.name(path)).modificationTime == time)
    }

    private static func name(_ path: String) -> String { String(path.dropFirst("/dev/shm/".count)) }

    @Test func `moments are ordered by seconds, then by nanoseconds`() {
        let times = [
            FileTime.distantPast, FileTime(seconds: -1, nanoseconds: 0), FileTime(seconds: -1, nanoseconds: 5),
            FileTime(seconds: 0, nanoseconds: 0), FileTime(seconds: .max, nanoseconds: 0),
            FileTime(seconds: .max, nanoseconds: .max),
        ]
        #expect(times.reversed().sorted() == times)
    }
}
