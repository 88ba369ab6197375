// SPDX-License-Identifier: MIT

/// Which target may import what; ARCHITECTURE.md tells why.
enum LayeringTable {
    enum Kind { case pure, system, shell, program }

    struct Row {
        let target: String
        let kind: Kind
        let targets: Set<String>
        let modules: Set<String>
    }

    /// What every pure target may import besides its own dependencies.
    static let pureModules: Set<String> = ["NIOCore", "Collections", "DequeModule", "OrderedCollections", "HeapModule"]
    static let nio: Set<String> = ["NIOCore", "NIOPosix", "NIOConcurrencyHelpers"]
    static let shellModules: Set<String> = nio.union(["Logging", "ArgumentParser", "Synchronization", "Collections"])
    private static let pureTargets: Set<String> = [
        "AppSettings", "FrontConfiguration", "AppTransport", "HTTPFraming", "WireProtocol", "ApplicationPool",
        "SpawnPlan", "ShownText", "PathSafety", "FairShare",
    ]

    static let rows: [Row] = [
        Row(target: "AppSettings", kind: .pure, targets: [], modules: []),
        Row(target: "ShownText", kind: .pure, targets: [], modules: []),
        Row(target: "FairShare", kind: .pure, targets: [], modules: []),
        Row(target: "PathSafety", kind: .pure, targets: ["ShownText"], modules: []),
        Row(target: "FrontConfiguration", kind: .pure, targets: ["AppSettings"], modules: []),
        Row(target: "AppTransport", kind: .pure, targets: ["HTTPFraming"], modules: pureModules),
        Row(target: "HTTPFraming", kind: .pure, targets: [], modules: pureModules),
        Row(
            target: "WireProtocol",
            kind: .pure,
            targets: ["AppSettings", "FairShare", "ShownText"],
            modules: pureModules
        ),
        Row(target: "ApplicationPool", kind: .pure, targets: ["AppSettings"], modules: pureModules),
        Row(target: "SpawnPlan", kind: .pure, targets: ["AppSettings", "PathSafety", "ShownText"], modules: []),
        Row(
            target: "LinuxSystem",
            kind: .system,
            targets: ["CFlyingPassenger", "CIdentity", "CSystemd", "PathSafety", "ShownText"],
            modules: ["Glibc", "Synchronization"]
        ),
        Row(
            target: "ProgramLog",
            kind: .shell,
            targets: ["FairShare", "LinuxSystem", "PathSafety", "ShownText"],
            modules: ["Logging", "Synchronization"]
        ),
        Row(
            target: "Supervisor",
            kind: .shell,
            targets: pureTargets.subtracting(["HTTPFraming", "AppTransport", "FrontConfiguration"])
                .union(["LinuxSystem", "ProgramLog", "AdminTools"]),
            modules: shellModules
        ),
        Row(
            target: "FrontProxy",
            kind: .shell,
            targets: pureTargets.subtracting(["ApplicationPool", "SpawnPlan"]).union(["LinuxSystem", "ProgramLog"]),
            // Dispatch has the type of a parameter that NIO asks of an event loop.
            modules: shellModules.union(["Dispatch"])
        ),
        Row(
            target: "AdminTools",
            kind: .shell,
            targets: ["ShownText", "WireProtocol", "LinuxSystem"],
            modules: ["ArgumentParser", "NIOCore", "Synchronization"]
        ),
        Row(target: "flying-passenger", kind: .program, targets: ["Supervisor"], modules: ["ArgumentParser"]),
        Row(target: "front-proxy", kind: .program, targets: ["FrontProxy"], modules: ["ArgumentParser"]),
        Row(target: "passenger-status", kind: .program, targets: ["AdminTools"], modules: ["ArgumentParser"]),
        Row(target: "passenger-memory-stats", kind: .program, targets: ["AdminTools"], modules: ["ArgumentParser"]),
        Row(target: "passenger-config", kind: .program, targets: ["AdminTools"], modules: ["ArgumentParser"]),
    ]

    /// Folders of Sources without Swift.
    static let withoutSwift: Set<String> = ["CFlyingPassenger", "CIdentity", "CSystemd", "flying-passenger-exec"]
}
