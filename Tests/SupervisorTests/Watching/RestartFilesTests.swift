// SPDX-License-Identifier: MIT

import ApplicationPool
import LinuxSystem
import TestSupport
import Testing

@testable import Supervisor

struct RestartFilesTests {
    @Test func `files that are not there are absent`() throws {
        let directory = try TestDirectory()
        let facts = RestartFiles(appRoot: directory.path, restartDirectory: "tmp").look()
        #expect(facts == RestartFacts(restartFile: .absent, alwaysRestart: false))
    }

    @Test func `a restart directory is relative to the app root or absolute`() throws {
        let directory = try TestDirectory()
        try directory.write("", to: "tmp/restart.txt")
        try directory.write("", to: "elsewhere/always_restart.txt")
        let usual = RestartFiles(appRoot: directory.path, restartDirectory: "tmp").look()
        #expect(usual.restartFile != .absent)
        #expect(!usual.alwaysRestart)
        let absolute = RestartFiles(appRoot: "/nowhere", restartDirectory: directory.file("elsewhere")).look()
        #expect(absolute == RestartFacts(restartFile: .absent, alwaysRestart: true))
    }

    @Test func `another release behind the same link is another file`() throws {
        let directory = try TestDirectory()
        try directory.write("", to: "releases/1/tmp/restart.txt")
        try directory.write("", to: "releases/2/tmp/restart.txt")
        let files = RestartFiles(appRoot: directory.file("current"), restartDirectory: "tmp")
        #expect(files.look().restartFile == .absent)
        try Files.makeLink(at: directory.file("current"), to: "releases/1")
        let first = files.look().restartFile
        try Files.remove(directory.file("current"))
        try Files.makeLink(at: directory.file("current"), to: "releases/2")
        #expect(files.look().restartFile != first)
        #expect(first != .absent)
    }

    @Test func `what cannot be looked at is unknown`() throws {
        let directory = try TestDirectory()
        try Files.makeLink(at: directory.file("restart.txt"), to: "restart.txt")
        let facts = RestartFiles(appRoot: directory.path, restartDirectory: directory.path).look()
        #expect(facts.restartFile == .unknown)
    }

    @Test func `a local directory is not on a network file system, nor is one that is not there`() throws {
        let directory = try TestDirectory()
        #expect(!RestartFiles(appRoot: directory.path, restartDirectory: "tmp").areOnNetworkFileSystem())
    }
}
