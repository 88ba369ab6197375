// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing

@testable import Supervisor

struct SocketDirectoryTests {
    private let place: TestDirectory

    init() throws { place = try TestDirectory() }

    private func make() throws { try SocketDirectory.make(place.file("run"), owner: CurrentProcess.effectiveUID) }

    @Test func `it is made for all to enter and one to fill, and used again`() throws {
        try make()
        #expect(try FileStatus(path: place.file("run")).mode == 0o755)
        try make()
    }

    @Test func `a link, a file and a directory that others fill are refused`() throws {
        try Files.makeLink(at: place.file("run"), to: place.path)
        #expect(throws: StartProblem.self) { try make() }
        try Files.remove(place.file("run"))
        try place.write("", to: "run")
        #expect(throws: StartProblem.self) { try make() }
        try Files.remove(place.file("run"))
        for mode: UInt32 in [0o775, 0o1777] {
            try Files.makeDirectories(place.file("run"))
            try Files.setMode(place.file("run"), mode)
            #expect(throws: StartProblem.self) { try make() }
        }
    }

    @Test func `a directory of somebody else is refused, and named with what to do`() throws {
        try make()
        let problem = #expect(throws: StartProblem.self) { try SocketDirectory.make(place.file("run"), owner: 4711) }
        #expect(problem?.description.contains("belongs to uid 4711") == true)
    }

    @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("a", "."), ("a/b", "a"), ("/a\u{301}/b", "/a\u{301}")])
    func `the directory of a path`(_ path: String, _ directory: String) {
        #expect(SocketDirectory.directory(of: path) == directory)
    }
}
