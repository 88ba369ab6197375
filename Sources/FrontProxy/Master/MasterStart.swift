// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import ProgramLog

/// Everything a master needs before threads exist: configuration, log, account, sockets.
struct MasterStart: Sendable {
    let options: MasterOptions
    let log: ProgramLog
    let logFile: LogFile
    let account: WorkerAccount
    let deployment: Deployment
    let flyWith: String?
    let frontName: String

    init(
        _ options: MasterOptions,
        _ configuration: LoadedConfiguration,
        log: ProgramLog,
        logFile: LogFile,
        inherited: [InheritedListener]
    ) throws {
        self.options = options
        self.log = log
        self.logFile = logFile
        let model = configuration.model
        account = try Self.account(options, model)
        flyWith = options.flyWith ?? model.flyWith
        try Self.checkDaemon(flyWith, for: model)
        deployment = try Deployment(
            configuration,
            replacing: ListenerTable(inherited: inherited),
            logger: log.logger(label: "front-proxy")
        )
        frontName = Self.name(options.source)
    }

    /// What can be found out without taking anything: addresses and logs may belong to a front that runs.
    ///
    /// Unless `judgesOwners` it is left to the daemon who may say what runs as the owner of an app.
    static func check(
        _ options: MasterOptions,
        _ model: FrontModel,
        judgesOwners: Bool = true
    ) throws -> ConfigurationCheck.Report {
        let account = try account(options, model)
        try checkDaemon(options.flyWith ?? model.flyWith, for: model)
        let groups = try account.identity.map { [$0.gid] + $0.groups } ?? Self.ownGroups(account)
        let check = ConfigurationCheck(
            account: .init(name: account.name, uid: account.uid, groups: Set(groups)),
            machine: LocalMachine()
        )
        let subjects = model.subjects.filter { subject in
            if case .owner = subject.kind { judgesOwners } else { true }
        }
        return check.report(subjects)
    }

    private static func ownGroups(_ account: WorkerAccount) throws -> [UInt32] {
        guard let user = try Accounts.user(id: account.uid) else { return [] }
        return try Accounts.groups(of: user)
    }

    static func account(_ options: MasterOptions, _ model: FrontModel) throws -> WorkerAccount {
        try WorkerAccount.find(
            user: options.user ?? model.user,
            group: options.user == nil ? model.userGroup : nil
        )
    }

    static func checkDaemon(_ flyWith: String?, for model: FrontModel) throws(StartError) {
        guard flyWith != nil || model.apps.isEmpty else {
            throw StartError("no daemon to fly with: give --fly-with=PATH or the directive passenger_fly_with")
        }
    }

    /// Tells fronts apart for the daemon, and stays the same over restarts.
    private static func name(_ source: ConfigurationSource) -> String {
        let uid = CurrentProcess.effectiveUID
        switch source {
        case .files(let paths): return "\(uid):\(paths.joined(separator: ","))"
        case .commandLine(let app): return "\(uid):\(app.listens.joined(separator: ","))"
        }
    }
}
