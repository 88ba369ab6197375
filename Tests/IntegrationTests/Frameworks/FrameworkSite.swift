// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport

/// A site with an application of `scripts/make-app`, twice: at the root of a host and below a prefix.
struct FrameworkSite {
    let site: Site
    let name: String

    /// The prefix of the second one.
    static let prefix = "/depart/ment"

    /// Makes the application and starts everything.
    init(_ name: String, settings: [String] = [], httpSettings: [String] = []) throws {
        self.name = name
        site = try Site(apps: [], httpSettings: httpSettings)
        try Self.make(name, at: site.root(of: name), owner: Integration.owner(0))
        let root = site.root(of: name)
        let below =
            ["location \(Self.prefix) {", "alias \(root)/public;", "passenger_app_root \(root);"]
            + [
                "passenger_base_uri \(Self.prefix);", "passenger_app_group_name \(name)-below;",
                "passenger_enabled on;",
            ]
            + settings + ["}"]
        try site.add(.init(name, from: nil, settings: settings + below))
        try site.writeConfiguration()
        try site.startDaemon()
        try site.startFront()
    }

    /// Runs `scripts/make-app`.
    static func make(
        _ kind: String,
        at path: String,
        owner: UserAccount?,
        environment: [String: String] = [:]
    ) throws {
        let parent = path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        try Files.makeDirectories(parent)
        let made = try Shell.run(["\(Repository.root)/scripts/make-app", kind, path], environment: environment)
        guard made.status.isSuccess else {
            throw RunningProgram.Failure.ended("make-app \(kind)", made.status, output: made.output)
        }
        if let owner { try TestDirectory.give(path, to: owner) }
    }

    /// Whether Debian's packages of these Python modules are here.
    static func hasPython(_ modules: String...) -> Bool {
        (try? Shell.run(["/usr/bin/python3", "-c", "import \(modules.joined(separator: ", "))"]).status.isSuccess)
            ?? false
    }

    /// Whether Debian's packages of these Node modules are here.
    static func hasNode(_ modules: String...) -> Bool {
        Integration.hasNode && modules.allSatisfy { TestFile.exists("/usr/share/nodejs/\($0)") }
    }

    /// Somebody who visits the application at the root, and somebody who visits it below the prefix.
    func visitors() -> [FrameworkVisitor] {
        ["", Self.prefix].map { FrameworkVisitor(port: site.port, host: "\(name).localhost", prefix: $0) }
    }

    /// Lets the second part of what `/stream` answers come; `false` takes it back.
    func letStreamGoOn(_ isAllowed: Bool) throws {
        let file = "\(site.root(of: name))/tmp/go"
        if isAllowed {
            try Files.write([], to: file, mode: 0o644)
        } else if TestFile.exists(file) {
            try Files.remove(file)
        }
    }

    /// Both parts of what `/stream` answers; the second can only come after the first has arrived.
    func streamedParts(for visitor: FrameworkVisitor) throws -> [String] {
        try letStreamGoOn(false)
        let connection = try HTTPConnection(port: site.port)
        try connection.send("GET \(visitor.prefix)/stream HTTP/1.1\r\nHost: \(visitor.host)\r\n\r\n")
        _ = try connection.readResponse(toHead: true)
        let first = try connection.read("6\r\nfirst\n\r\n".utf8.count)
        try letStreamGoOn(true)
        let last = try connection.read("5\r\nlast\n\r\n0\r\n\r\n".utf8.count)
        return [first, last].map { String(decoding: $0, as: UTF8.self) }
    }

    static let streamed = ["6\r\nfirst\n\r\n", "5\r\nlast\n\r\n0\r\n\r\n"]
}
