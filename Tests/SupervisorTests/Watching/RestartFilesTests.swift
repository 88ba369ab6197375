// SPDX-License-Identifier: MIT

import ApplicationPool
import LinuxSystem
import TestSupport
import Testing

@testable import Supervisor

/// Every case of a directory, looked at in both ways, which must agree.
struct RestartFilesTests {
    private let directory: TestDirectory

    init() throws {
        self.directory = try TestDirectory()
    }

    /// This process itself.
    private let identity = UserIdentity(
        uid: CurrentProcess.effectiveUID,
        gid: CurrentProcess.effectiveGID,
        groups: []
    )

    private func files(_ restartDirectory: String = "tmp", root: String = "app") -> RestartFiles {
        RestartFiles(appRoot: self.directory.file(root), restartDirectory: restartDirectory, as: self.identity)
    }

    /// The look from a thread fills the caches, so that the one without waiting must come to an end as well.
    ///
    /// Not at once where a link was just made: its use is noted with the clock's next tick.
    private func look(_ files: RestartFiles, sourceLocation: SourceLocation = #_sourceLocation) throws -> RestartFacts {
        let look = files.lookFromThread()
        #expect(!look.isRemote, sourceLocation: sourceLocation)
        var facts: RestartFacts?
        try eventually("a look without waiting") {
            _ = files.lookFromThread()
            facts = files.lookWithoutWaiting(on: look.devices)
            return facts != nil
        }
        #expect(facts == look.facts, sourceLocation: sourceLocation)
        return look.facts
    }

    private func isPresent(_ facts: RestartFacts) -> Bool {
        if case .present = facts.restartFile { true } else { false }
    }

    @Test func `files that are not there are absent, whatever else is missing`() throws {
        let absent = RestartFacts(restartFile: .absent)
        #expect(try self.look(self.files()) == absent)
        try self.directory.write("", to: "app/config.ru")
        #expect(try self.look(self.files()) == absent)
        try self.directory.write("", to: "app/tmp/other")
        #expect(try self.look(self.files()) == absent)
        // A file where the directory should be.
        #expect(try self.look(self.files("config.ru")) == absent)
    }

    @Test func `a restart directory is relative to the app root or absolute`() throws {
        try self.directory.write("", to: "app/tmp/restart.txt")
        try self.directory.write("", to: "app/deep/er/restart.txt")
        try self.directory.write("", to: "elsewhere/always_restart.txt")
        let usual = try self.look(self.files())
        #expect(self.isPresent(usual) && !usual.alwaysRestart)
        #expect(try self.isPresent(self.look(self.files("deep/er"))))
        #expect(try self.isPresent(self.look(self.files("deep/../tmp/"))))
        let absolute = RestartFiles(
            appRoot: "/nowhere",
            restartDirectory: self.directory.file("elsewhere"),
            as: self.identity
        )
        #expect(try self.look(absolute) == RestartFacts(restartFile: .absent, alwaysRestart: true))
    }

    @Test func `both files are seen at once`() throws {
        try self.directory.write("", to: "app/tmp/restart.txt")
        try self.directory.write("", to: "app/tmp/always_restart.txt")
        let facts = try self.look(self.files())
        #expect(self.isPresent(facts) && facts.alwaysRestart)
    }

    @Test func `a touch to an earlier or a later time is another file, a write of the same time is not`() throws {
        let path = try self.directory.write("", to: "app/tmp/restart.txt")
        var seen: [RestartFacts.RestartFile] = []
        for time in ["2001-01-01", "2000-01-01", "2002-01-01", "2002-01-01"] {
            #expect(try Shell.run(["touch", "-d", time, path]).status.isSuccess)
            seen.append(try self.look(self.files()).restartFile)
        }
        #expect(Set(seen.map { "\($0)" }).count == 3)
        #expect(seen[2] == seen[3])
    }

    @Test func `another release behind the same link is another file`() throws {
        try self.directory.write("", to: "releases/1/tmp/restart.txt")
        try self.directory.write("", to: "releases/2/tmp/restart.txt")
        for release in ["1", "2"] {
            let path = self.directory.file("releases/\(release)/tmp/restart.txt")
            #expect(try Shell.run(["touch", "-d", "2001-01-01", path]).status.isSuccess)
        }
        let files = self.files(root: "current")
        #expect(try self.look(files).restartFile == .absent)
        try Files.makeLink(at: self.directory.file("current"), to: "releases/1")
        let first = try self.look(files)
        try Files.makeLink(at: self.directory.file("next"), to: "releases/2")
        try Files.rename(self.directory.file("next"), to: self.directory.file("current"))
        let second = try self.look(files)
        #expect(self.isPresent(first) && self.isPresent(second) && first != second)
    }

    @Test func `a tmp that is a link leads elsewhere`() throws {
        try self.directory.write("", to: "shared/tmp/restart.txt")
        try self.directory.write("", to: "app/config.ru")
        try Files.makeLink(at: self.directory.file("app/tmp"), to: "../shared/tmp")
        #expect(try self.isPresent(self.look(self.files())))
    }

    @Test func `a restart file that is a link counts as what it leads to`() throws {
        try self.directory.write("", to: "shared/restart.txt")
        try self.directory.write("", to: "app/tmp/other")
        let link = self.directory.file("app/tmp/restart.txt")
        try Files.makeLink(at: link, to: "../../shared/restart.txt")
        let facts = try self.look(self.files())
        let target = try FileStatus(path: self.directory.file("shared/restart.txt"))
        #expect(
            facts.restartFile
                == .present(
                    seconds: target.modificationTime.seconds,
                    nanoseconds: target.modificationTime.nanoseconds,
                    inode: target.inode
                )
        )
        try Files.remove(self.directory.file("shared/restart.txt"))
        #expect(try self.look(self.files()).restartFile == .absent)
    }

    @Test func `a FIFO or a directory is a file like any other`() throws {
        try self.directory.write("", to: "app/tmp/always_restart.txt/inside")
        #expect(try Shell.run(["mkfifo", self.directory.file("app/tmp/restart.txt")]).status.isSuccess)
        let facts = try self.look(self.files())
        #expect(self.isPresent(facts) && facts.alwaysRestart)
    }

    @Test func `a loop of links is unknown, and no reason to do anything`() throws {
        try self.directory.write("", to: "app/tmp/other")
        try Files.makeLink(at: self.directory.file("app/tmp/restart.txt"), to: "restart.txt")
        try Files.makeLink(at: self.directory.file("app/tmp/always_restart.txt"), to: "always_restart.txt")
        #expect(try self.look(self.files()) == RestartFacts(restartFile: .unknown))
        try Files.makeLink(at: self.directory.file("app/loop"), to: "loop")
        #expect(try self.look(self.files("loop")) == RestartFacts(restartFile: .unknown))
    }

    @Test(.enabled(if: Machine.isRoot, "file systems can only be mounted by root"))
    func `names are looked up without waiting only on file systems that were found to be local`() throws {
        try self.directory.write("", to: "app/tmp/restart.txt")
        let files = self.files()
        let devices = files.lookFromThread().devices
        #expect(files.lookWithoutWaiting(on: []) == nil)
        #expect(try self.look(files).restartFile != .absent)
        // The restart directory, then the restart file itself, on another device than the rest.
        let other = try FileStatus(path: "/dev/shm").device
        try #require(!devices.contains(other))
        try Files.makeLink(at: self.directory.file("app/shm"), to: "/dev/shm")
        let both = devices.union([other])
        let shm = self.files("shm")
        #expect(shm.lookFromThread().devices == both)
        try eventually("the caches to know the link") {
            _ = shm.lookFromThread()
            return shm.lookWithoutWaiting(on: both) != nil
        }
        #expect(shm.lookWithoutWaiting(on: devices) == nil)
        try Files.remove(self.directory.file("app/tmp/restart.txt"))
        try Files.makeLink(at: self.directory.file("app/tmp/restart.txt"), to: "/dev/shm")
        let facts = files.lookFromThread().facts
        try eventually("the caches to know the link") {
            files.lookFromThread().devices == both && files.lookWithoutWaiting(on: both) == facts
        }
        #expect(files.lookWithoutWaiting(on: devices) == nil)
    }
}
