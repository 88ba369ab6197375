// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import ShownText
import SpawnPlan
import Testing
import WireProtocol

@testable import Supervisor

struct FailureReportSpawnFailureTests {
    private func report(_ failure: SpawnFailure, _ settings: [String: String] = [:]) throws -> FailureReport {
        let settings = try PoolBench.settings(settings)
        let key = GroupKey(namespace: .uid(7), name: "/srv/shop")
        return FailureReport(
            failure,
            of: FailedApp(key: key, settings: settings),
            FailureDiagnosis(failure, settings: settings),
            time: 1_700_000_000_000_000,
            groupNames: [33: "www-data"],
            machine: MachineFacts()
        )
    }

    private func failure(
        environment: [(String, String)] = [],
        summary: String = "it failed",
        detail: String = "",
        output: String = ""
    ) -> SpawnFailure {
        var journey = Journey()
        journey.begin(.prepare, at: .zero)
        journey.begin(.app, at: .milliseconds(3))
        let context = StartContext(
            id: ErrorID(0xabc),
            journey: journey,
            identity: RunningIdentity(
                userName: "joe",
                groupName: "joes",
                uid: 1001,
                gid: 1002,
                groups: [33, 1002, 44],
                account: Account(name: "joe", uid: 1001, gid: 1002, home: "/home/joe", shell: "/bin/sh"),
                reason: "runs as joe because joe owns config.ru",
                isSwitched: true,
                restsOnOwnership: true
            ),
            program: StartContext.Program(
                appRoot: "/srv/shop",
                startupFile: "config.ru",
                kind: "rack",
                arguments: ["ruby", "/l/rack-loader.rb"],
                environment: environment.map { EnvironmentVariable(name: $0.0, value: $0.1) }
            ),
            limits: [
                .init(name: "open files", soft: 1024, hard: 4096), .init(name: "processes", soft: 9, hard: 9),
                .init(name: "core size", soft: 0, hard: nil), .init(name: "memory", soft: nil, hard: nil),
            ],
            output: output
        )
        let cause = SpawnFailure.Cause(.app, nil, summary, detail: detail)
        return context.failure(cause, at: .microseconds(4500))
    }

    @Test func `a report says who, what, when and how far`() throws {
        let report = try self.report(self.failure(), ["app_env": "staging", "base_uri": "/shop"])
        #expect(report.errorID == "00000abc" && report.time == 1_700_000_000_000_000)
        #expect(report.kind == "early-exit" && report.category == "app" && report.failedStep == "load-app")
        #expect(report.user?.groups == ["joes (1002)", "www-data (33)", "44"])
        #expect(report.user?.home == "/home/joe" && report.user?.uid == 1001)
        #expect(report.app.groupName == "/srv/shop (uid 7)" && report.app.root == "/nowhere/shop")
        #expect(report.app.environment == "staging" && report.app.baseURI == "/shop" && report.app.type == "rack")
        #expect(report.app.command == ["ruby", "/l/rack-loader.rb"] && report.app.startupFile == "config.ru")
        let steps = Dictionary(uniqueKeysWithValues: report.steps.map { ($0.name, $0) })
        #expect(steps["prepare"] == .init(name: "prepare", state: "done", microseconds: 3000))
        #expect(steps["load-app"] == .init(name: "load-app", state: "failed", microseconds: 1500))
        #expect(steps["shell-environment"] == nil, "it was not needed")
        #expect(steps["listen"] == .init(name: "listen", state: "not started", microseconds: nil))
        #expect(
            report.limits.map(\.value) == [
                "1024 (at most 4096)", "9", "0 (may be raised without limit)", "unlimited",
            ]
        )
        #expect(report.machine.map(\.name) == ["load", "memory", "swap"])
    }

    @Test func `secrets are masked wherever they may be`() throws {
        let url = "postgres://joe:hunter2@db/shop"
        let failure = self.failure(
            environment: [
                ("SECRET_KEY_BASE", "hunter2"), ("API_TOKEN", "hunter2"), ("DB_PASS", "hunter2"),
                ("MYSQL_PWD", "hunter2"), ("DATABASE_URL", url), ("PWD", "/srv/shop"),
                ("PASSENGER_APP_ENV", "production"),
            ],
            summary: "cannot connect to \(url)",
            detail: "tried \(url)\nand \(url)",
            output: "connecting to \(url)"
        )
        let report = try self.report(failure)
        #expect(report.variables.last?.value == "production")
        #expect(report.variables.first { $0.name == "PWD" }?.value == "/srv/shop")
        #expect(report.variables.first { $0.name == "DATABASE_URL" }?.value == "postgres://joe:********@db/shop")
        #expect(!report.text().contains("hunter2"))
        #expect(!String(decoding: try #require(report.json()), as: UTF8.self).contains("hunter2"))
    }

    @Test func `no app makes a report too large`() throws {
        let noise = String(repeating: "\u{1B}x", count: 50_000)
        var failure = self.failure(
            environment: (0..<400).map { ("V\($0)\(noise.prefix(300))", String(noise.prefix(4000))) },
            summary: noise,
            detail: noise,
            output: noise + "the end"
        )
        failure.cause.remedies = (0..<30).map { Remedy("\($0) \(noise.prefix(3000))") }
        failure.context.program?.arguments = (0..<200).map { "\($0) \(noise.prefix(300))" }
        let report = try self.report(failure)
        #expect(report.output.utf8.count <= 65_536 && report.output.hasSuffix("the end"))
        #expect(report.detail.utf8.count <= 32_768 && report.summary.utf8.count <= 2048)
        #expect(report.text().utf8.count < 2_000_000)
        let json = try #require(report.json())
        #expect(json.count <= WireLimits.reportBytes)
        #expect(FailureReport(json: json)?.output.hasSuffix("the end") == true)
    }
}
