// SPDX-License-Identifier: MIT

import LinuxSystem
import PathSafety
import Testing

@Suite struct PathWalkTests {
    private static func kinds(_ trail: PathTrail) -> [String] {
        trail.places.map { place in
            switch place.step {
            case .passed: "passed \(place.path)"
            case .entered: "entered \(place.path)"
            case .link(_, let target, _): "link \(place.path) -> \(target)"
            }
        }
    }

    @Test func `each directory and each link on the way is met`() throws {
        let scratch = try Scratch()
        try Files.makeDirectories(scratch.file("real/sub"))
        try Files.makeLink(at: scratch.file("one"), to: "real/../two")
        try Files.makeLink(at: scratch.file("two"), to: scratch.file("real"))
        let walked = try PathWalk.openDirectory(scratch.file("one/./sub//"))
        let place = scratch.path
        #expect(
            Self.kinds(walked.trail) == [
                "passed /", "passed /tmp", "passed \(place)", "link \(place)/one -> real/../two", "passed \(place)",
                "passed \(place)", "link \(place)/two -> \(place)/real", "passed /", "passed /tmp", "passed \(place)",
                "passed \(place)/real", "entered \(place)/real/sub",
            ]
        )
        #expect(try walked.directory.status().identity == FileStatus(path: scratch.file("real/sub")).identity)
    }

    @Test func `names are bytes`() throws {
        let scratch = try Scratch()
        // One character with the slash before it, if one asks Swift.
        let name = "a/\u{301}b"
        try Files.makeDirectories(scratch.file(name))
        let walked = try PathWalk.openDirectory(scratch.file(name))
        #expect(Self.kinds(walked.trail).last == "entered \(scratch.file(name))")
        #expect(Self.kinds(walked.trail).contains("passed \(scratch.file("a"))"))
        #expect(throws: SystemError.self) { try PathWalk.openDirectory(scratch.file("a") + "/b") }
    }

    @Test func `what is no directory, is missing or goes round ends the walk with its name`() throws {
        let scratch = try Scratch()
        try scratch.write("", to: "file")
        try Files.makeLink(at: scratch.file("loop"), to: "loop")
        try Files.makeLink(at: scratch.file("dangling"), to: "nowhere")
        for (name, code, subject) in [
            ("file", Int32(20), "file"), ("file/x", 20, "file/x"), ("none/x", 2, "none"), ("loop", 40, "loop"),
            ("dangling", 2, "nowhere"),
        ] {
            let error = #expect(throws: SystemError.self) { try PathWalk.openDirectory(scratch.file(name)) }
            #expect(
                error?.code == code && error?.subject == scratch.file(subject),
                "\(name): \(String(describing: error))"
            )
        }
    }

    @Test func `no more than 512 components are walked, those of links included`() throws {
        let scratch = try Scratch()
        try Files.makeDirectories(scratch.file("deep/a"))
        let there = "deep/" + Array(repeating: "a/..", count: 90).joined(separator: "/")
        // 181 components each: two are followed, not three.
        try Files.makeLink(at: scratch.file("one"), to: there)
        try Files.makeLink(at: scratch.file("two"), to: "one/../" + there)
        try Files.makeLink(at: scratch.file("three"), to: "two/../" + there)
        let deep = try FileStatus(path: scratch.file("deep")).identity
        for name in ["one", "two"] {
            let walked = try PathWalk.openDirectory(scratch.file(name))
            #expect(try walked.directory.status().identity == deep)
        }
        let round = #expect(throws: SystemError.self) { try PathWalk.openDirectory(scratch.file("three")) }
        #expect(round?.isSymbolicLink == true)
        let long = scratch.path + String(repeating: "/.", count: 600)
        let error = #expect(throws: SystemError.self) { try PathWalk.look(at: long) }
        #expect(error?.isNameTooLong == true)
    }

    @Test func `a place that no path could name is not walked to`() throws {
        let scratch = try Scratch()
        let half = Array(repeating: String(repeating: "n", count: 250), count: 9).joined(separator: "/")
        try Files.makeDirectories(scratch.file(half))
        try Files.makeLink(at: scratch.file("half"), to: half)
        try Files.makeDirectories(scratch.file("half/" + half))
        #expect(try PathWalk.look(at: scratch.file("half")).path.count > 2_250)
        let error = #expect(throws: SystemError.self) { try PathWalk.look(at: scratch.file("half/" + half)) }
        #expect(error?.isNameTooLong == true)
    }

    @Test func `the place of a file is that which a link leads to, missing or not`() throws {
        let scratch = try Scratch()
        try Files.makeDirectories(scratch.file("logs"))
        try Files.makeLink(at: scratch.file("current.log"), to: "logs/today.log")
        for name in ["logs/today.log", "current.log"] {
            let place = try PathWalk.openPlace(scratch.file(name))
            #expect(place.path == scratch.file("logs/today.log") && place.name == Array("today.log".utf8))
            #expect(Self.kinds(place.trail).last == "entered \(scratch.file("logs"))")
        }
        #expect(throws: SystemError.self) { try PathWalk.openPlace("/") }
        #expect(throws: SystemError.self) { try PathWalk.openPlace(scratch.file("none/x")) }
    }

    @Test(.enabled(if: CurrentProcess.isRoot, "giving files away needs root"))
    func `who made a link, who owns what it leads to and what an access list says is known`() throws {
        let scratch = try Scratch()
        try scratch.write("", to: "target", owner: 3)
        try Files.makeLink(at: scratch.file("link"), to: "target")
        try Files.setOwner(scratch.file("link"), owner: 2, group: nil)
        let file = try PathWalk.look(at: Array("link".utf8), below: Array(scratch.path.utf8))
        #expect(file.status.owner == 3 && file.root.status.owner == 0)
        let links = file.trail.places.compactMap { place -> [UInt32]? in
            guard case .link(let fact, _, let leadsTo) = place.step else { return nil }
            return [fact.owner, leadsTo]
        }
        #expect(links == [[2, 3]])
        try Files.setMode(scratch.path, 0o775)
        try Files.setOwner(scratch.path, owner: 2, group: 2)
        let trail = try PathWalk.openDirectory(scratch.path).trail
        #expect(trail.places.last?.step == .entered(PathFact(owner: 2, group: 2, mode: 0o775)))
    }

    @Test(.enabled(if: CurrentProcess.isRoot, "only root can take the identity of others"))
    func `what a user may not see is not seen in that user's name`() throws {
        let scratch = try Scratch()
        try Files.makeDirectories(scratch.file("closed"))
        try scratch.write("", to: "closed/file")
        try Files.setMode(scratch.file("closed"), 0o700)
        let user = UserIdentity(uid: 12_345, gid: 12_345, groups: [12_345])
        let path = scratch.file("closed/file")
        let error = #expect(throws: SystemError.self) {
            try user.run { () throws(SystemError) in try FileStatus(path: path) }
        }
        #expect(error?.isPermissionDenied == true)
        // And root is itself again.
        _ = try FileStatus(path: path)
        try Files.setMode(scratch.file("closed"), 0o755)
        _ = try user.run { () throws(SystemError) in try FileStatus(path: path) }
    }
}
