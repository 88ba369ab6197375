// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import ShownText
import SpawnPlan
import WireProtocol

/// Bounds of a report; together they fit what a front may be sent, unless much of it has to be escaped.
private enum ReportBounds {
    static let output = 64 * 1024
    static let detail = 32 * 1024
    static let summary = 2 * 1024
    static let text = 2 * 1024
    static let path = 4 * 1024
    static let remedies = 16
    static let arguments = 64
    static let variables = 256
    static let variableBytes = 32 * 1024
    static let groups = 128
}

extension FailureReport {
    /// Everything about a failure that somebody who looks for its cause may want.
    ///
    /// `time` is in microseconds since 1970; `groupNames` gives the names of group ids, as far as they are known.
    init(
        _ failure: SpawnFailure,
        of app: FailedApp,
        _ diagnosis: FailureDiagnosis,
        time: Int64,
        groupNames: [UInt32: String],
        machine: MachineFacts
    ) {
        let context = failure.context
        self.init(
            errorID: context.id.description,
            time: time,
            category: failure.category.rawValue,
            kind: diagnosis.kind.rawValue,
            title: diagnosis.title,
            summary: Self.summary(of: failure),
            app: App(app, context.program)
        )
        self.explanation = diagnosis.explanation.clamped(toUTF8: ReportBounds.text)
        self.remedies = diagnosis.remedies.prefix(ReportBounds.remedies).map {
            $0.bounded(text: ReportBounds.text, command: ReportBounds.path)
        }
        // Masked first: of half an address a password would not be known.
        self.detail = SecretMask.maskingCredentials(failure.detail).clamped(toUTF8: ReportBounds.detail)
        self.output = SecretMask.maskingCredentials(context.output).clampedTail(toUTF8: ReportBounds.output)
        self.failedStep = context.journey.failed == nil && diagnosis.kind == .crash ? "" : failure.step.rawValue
        self.steps = context.journey == Journey() ? [] : context.journey.entriesWithoutSkipped.map(Step.init)
        self.user = context.identity.map { User($0, groupNames: groupNames) }
        self.variables = Self.entries(context.program?.environment ?? [])
        self.limits = context.limits.prefix(64).map(Entry.init)
        self.machine = Self.entries(machine)
    }

    static func summary(of failure: SpawnFailure) -> String {
        SecretMask.maskingCredentials(failure.summary).clamped(toUTF8: ReportBounds.summary)
    }

    private static func entries(_ variables: [EnvironmentVariable]) -> [Entry] {
        var left = ReportBounds.variableBytes
        var entries: [Entry] = []
        for variable in variables.prefix(ReportBounds.variables).lazy.flatMap({ SecretMask.masked([$0]) }) {
            let name = variable.name.clamped(toUTF8: 256)
            let value = variable.value.clamped(toUTF8: ReportBounds.text)
            left -= name.utf8.count + value.utf8.count
            guard left >= 0 else { break }
            entries.append(Entry(name: name, value: value))
        }
        return entries
    }

    private static func entries(_ machine: MachineFacts) -> [Entry] {
        var entries: [Entry] = []
        if !machine.loadAverages.isEmpty {
            let load = machine.loadAverages.joined(separator: " ")
            let processors = CurrentProcess.processorCount
            entries.append(
                Entry(
                    name: "load",
                    value: "\(load) (1, 5, 15 minutes; \(processors) processor\(processors == 1 ? "" : "s"))"
                )
            )
        }
        func add(_ name: String, free: String, total: String) {
            guard let free = machine.memory[free], let total = machine.memory[total] else { return }
            let value = total == 0 ? "none" : "\(free >> 20) MiB free of \(total >> 20) MiB"
            entries.append(Entry(name: name, value: value))
        }
        add("memory", free: "MemAvailable", total: "MemTotal")
        add("swap", free: "SwapFree", total: "SwapTotal")
        return entries
    }
}

extension FailureReport.Step {
    fileprivate init(_ entry: Journey.Entry) {
        self.init(
            name: entry.step.rawValue,
            state: entry.state.rawValue,
            microseconds: entry.duration.map { Int64(clamping: $0.wholeNanoseconds / 1000) }
        )
    }
}

extension FailureReport.App {
    fileprivate init(_ app: FailedApp, _ program: StartContext.Program?) {
        let settings = app.settings
        self.init(
            groupName: app.key.description.clamped(toUTF8: ReportBounds.path),
            root: settings.appRoot.clamped(toUTF8: ReportBounds.path),
            startupFile: (program?.startupFile ?? settings.startupFile ?? "").clamped(toUTF8: ReportBounds.path),
            type: program?.kind ?? settings.appType?.rawValue ?? "",
            environment: settings.environment.clamped(toUTF8: 256),
            baseURI: settings.baseURI.clamped(toUTF8: ReportBounds.text),
            command: Self.command(program?.arguments ?? [])
        )
    }

    private static func command(_ arguments: [String]) -> [String] {
        var left = ReportBounds.path
        return Array(
            arguments.prefix(ReportBounds.arguments).prefix { argument in
                left -= argument.utf8.count
                return left >= 0
            }.map(SecretMask.maskingCredentials)
        )
    }
}

extension FailureReport.User {
    fileprivate init(_ identity: RunningIdentity, groupNames: [UInt32: String]) {
        var names = groupNames
        names[identity.gid] = identity.groupName
        let gids = [identity.gid] + identity.groups.filter { $0 != identity.gid }
        self.init(
            name: identity.userName,
            uid: identity.uid,
            groups: gids.prefix(ReportBounds.groups).map { gid in
                names[gid].map { "\($0) (\(gid))" } ?? String(gid)
            },
            home: identity.account?.home ?? "",
            reason: identity.reason.clamped(toUTF8: ReportBounds.text)
        )
    }
}

extension FailureReport.Entry {
    fileprivate init(_ limit: StartContext.ReportedLimit) {
        let soft = limit.soft.map { "\($0)" } ?? "unlimited"
        let hard = limit.hard.map { "at most \($0)" } ?? "may be raised without limit"
        self.init(name: limit.name.clamped(toUTF8: 64), value: limit.soft == limit.hard ? soft : "\(soft) (\(hard))")
    }
}
