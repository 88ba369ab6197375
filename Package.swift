// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]
/// For what each request of the front passes through.
///
/// Whether two places use the same variable at once is proved by the compiler where it can be, and looked at while running only in
/// debug builds, which the unit tests are. The looks were near a tenth of the front's own time.
let dataPathSettings =
    swiftSettings + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]
let cSettings: [CSetting] = [.treatAllWarnings(as: .error), .define("_GNU_SOURCE")]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// A library target of this package, with the settings every target shares unless it has others.
func library(
    _ name: String,
    _ dependencies: [Target.Dependency],
    resources: [Resource]? = nil,
    settings: [SwiftSetting] = swiftSettings
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// A program: `@main` and nothing more; its library holds the rest.
func program(_ name: String, _ library: Target.Dependency) -> Target {
    .executableTarget(name: name, dependencies: [library, argumentParser], swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

let package = Package(
    name: "flying-passenger",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
    ],
    targets: [
        // Pure: decisions and formats, no operating system.
        library("AppSettings", []),
        library("ShownText", []),
        library("FairShare", []),
        library("PathSafety", ["ShownText"]),
        library("FrontConfiguration", ["AppSettings"]),
        library("HTTPFraming", [nioCore], settings: dataPathSettings),
        library("AppTransport", ["HTTPFraming", nioCore], settings: dataPathSettings),
        library("WireProtocol", ["AppSettings", "FairShare", "ShownText", nioCore]),
        library("ApplicationPool", ["AppSettings", collections]),
        library("SpawnPlan", ["AppSettings", "PathSafety", "ShownText"], resources: [.embedInCode("Loaders")]),

        // The operating system.
        .target(name: "CFlyingPassenger", cSettings: cSettings),
        .target(name: "CIdentity", cSettings: cSettings),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        library("LinuxSystem", ["CFlyingPassenger", "CIdentity", "CSystemd", "PathSafety", "ShownText"]),

        // Shells.
        library("ProgramLog", ["FairShare", "LinuxSystem", "PathSafety", "ShownText", logging]),
        library(
            "Supervisor",
            [
                "AppSettings", "ShownText", "WireProtocol", "ApplicationPool", "SpawnPlan", "PathSafety", "LinuxSystem",
                "FairShare", "ProgramLog", "AdminTools",
                nioCore, nioPosix, logging, argumentParser,
            ]
        ),
        library(
            "FrontProxy",
            [
                "AppSettings", "FairShare", "ShownText", "WireProtocol", "HTTPFraming", "AppTransport",
                "FrontConfiguration",
                "PathSafety", "LinuxSystem",
                "ProgramLog", nioCore, nioPosix, logging, argumentParser,
            ],
            settings: dataPathSettings
        ),
        library("AdminTools", ["ShownText", "WireProtocol", "LinuxSystem", nioCore, argumentParser]),

        // Programs.
        program("flying-passenger", "Supervisor"),
        program("front-proxy", "FrontProxy"),
        program("passenger-status", "AdminTools"),
        program("passenger-memory-stats", "AdminTools"),
        program("passenger-config", "AdminTools"),
        .executableTarget(
            name: "flying-passenger-exec",
            dependencies: ["CIdentity"],
            cSettings: cSettings,
            // Keeps the Swift runtime, which SwiftPM links into every executable, out of a plain C program.
            linkerSettings: [.unsafeFlags(["-nostartfiles", "-Xlinker", "--as-needed"])]
        ),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: ["LinuxSystem", "WireProtocol"],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
        tests("LayeringTests", ["TestSupport"]),
        tests("AppSettingsTests", ["AppSettings"]),
        tests("ShownTextTests", ["ShownText"]),
        tests("FairShareTests", ["FairShare"]),
        tests(
            "FrontConfigurationTests",
            ["AppSettings", "FrontConfiguration", "TestSupport"],
            resources: [.copy("Fixtures")]
        ),
        tests("HTTPFramingTests", ["HTTPFraming", "TestSupport", nioCore], resources: [.copy("Fixtures")]),
        tests("AppTransportTests", ["AppTransport", "HTTPFraming", nioCore]),
        tests("WireProtocolTests", ["AppSettings", "ShownText", "TestSupport", "WireProtocol", nioCore]),
        tests("ApplicationPoolTests", ["AppSettings", "ApplicationPool", "TestSupport"]),
        tests("PathSafetyTests", ["PathSafety", "ShownText"]),
        tests("SpawnPlanTests", ["AppSettings", "PathSafety", "ShownText", "SpawnPlan", "TestSupport"]),
        tests("LinuxSystemTests", ["LinuxSystem", "PathSafety", "ShownText"]),
        tests("ProgramLogTests", ["LinuxSystem", "ProgramLog", logging]),
        tests(
            "SupervisorTests",
            [
                "AppSettings", "ApplicationPool", "FairShare", "LinuxSystem", "PathSafety", "ProgramLog", "ShownText",
                "SpawnPlan", "Supervisor",
                "TestSupport", "WireProtocol", nioCore, nioEmbedded, nioPosix, logging, argumentParser,
            ]
        ),
        tests(
            "FrontProxyTests",
            [
                "AppSettings", "FrontConfiguration", "FrontProxy", "LinuxSystem", "ProgramLog", "ShownText",
                "TestSupport",
                "WireProtocol",
                nioCore, nioPosix, logging, argumentParser,
            ]
        ),
        // What strangers send, read by all that reads it: the corpus as tests, and `make fuzz`.
        .target(
            name: "CFuzzedHelper",
            dependencies: ["CIdentity"],
            path: "Tests/Fuzz/Helper",
            cSettings: cSettings
        ),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "AdminTools", "AppSettings", "AppTransport", "CFuzzedHelper", "FrontConfiguration", "HTTPFraming",
                "LinuxSystem", "ProgramLog", "ShownText", "SpawnPlan", "WireProtocol", nioCore, logging,
            ],
            path: "Tests/Fuzz/Targets",
            swiftSettings: swiftSettings
        ),
        tests("FuzzTests", ["FuzzTargets", "LinuxSystem", "TestSupport"]),
        tests("AdminToolsTests", ["AdminTools", "LinuxSystem", "WireProtocol", argumentParser]),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["FairShare", "LinuxSystem", "ShownText", "TestSupport", "WireProtocol", nioCore],
            exclude: ["Apps", "Scripts"],
            swiftSettings: swiftSettings
        ),
    ]
)

// The sanitizer brings the program's main: without it, this does not link.
if Context.environment["FLYING_PASSENGER_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz",
            dependencies: ["FuzzTargets"],
            path: "Tests/Fuzz/Program",
            cSettings: cSettings
        )
    )
}
