// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan
import WireProtocol

extension SpawnPreparation {
    mutating func launch(
        _ app: DetectedApp,
        _ identity: RunningIdentity,
        in facts: AppRootFacts
    ) throws(SpawnFailure.Cause) -> StartingProcess {
        let program = self.program(for: app)
        if program.role == .preloader { self.context.journey.follow(.preloader) }
        let port = try self.choosePort(program)
        let environment = EnvironmentPlan(
            base: EnvironmentPlan.Base(
                daemonEnvironment: self.options.daemonEnvironment,
                serverSoftware: self.options.serverSoftware,
                nodeLibrary: "\(self.options.loadersDirectory)/\(LoaderSources.nodeLibrary)",
                instance: self.options.instance
            ),
            identity: identity,
            settings: self.settings,
            type: app.type,
            port: port?.port,
            listens: program.readiness == .listening
        )
        self.context.program = StartContext.Program(
            appRoot: self.settings.appRoot,
            startupFile: app.startupFile ?? "",
            kind: app.type.rawValue,
            arguments: program.argumentVector,
            environment: SecretMask.masked(environment.variables)
        )

        var channels = try self.openChannels(program, identity)
        var plan = self.plan(app, program, environment, identity, channels, facts)
        let enclosure = self.prepareEnclosure(&plan)
        let diagnosis = self.diagnosis(program, identity)
        self.context.journey.begin(.start, at: self.clock.now)
        let launch: StartedLaunch
        do throws(LaunchFailure) {
            launch = try Launcher(helperPath: self.options.helperPath).begin(plan)
        } catch {
            // Made by us a moment ago, in a directory that is ours alone.
            try? Files.remove(channels.socketPath)
            enclosure?.end()
            throw diagnosis.cause(error)
        }
        channels.closeChildEnds()
        self.launched(launch.pid, in: enclosure)
        self.brief(app, program, over: channels.control)
        let ends = self.ends(app, program, identity, launch, channels, enclosure)
        self.record(ends.facts)
        let timeout = StartTimeout(
            limit: self.settings.startTimeout,
            appRoot: self.settings.appRoot,
            userName: identity.userName,
            loginShell: environment.loginShell ?? "",
            environmentFile: environment.file.map(diagnosis.absolute) ?? "",
            interpreter: program.interpreter
        )
        return StartingProcess(
            ends: ends,
            plan: StartPlan(
                context: self.context,
                clock: self.clock,
                timeout: timeout,
                program: program,
                identity: identity,
                probe: port.map { port in
                    ListenProbe(
                        port: port,
                        uid: identity.uid,
                        socketPath: channels.socketPath,
                        listener: channels.listener
                    )
                },
                priority: self.options.startPriority
            ),
            launch: LaunchEnds(report: launch.report, diagnosis: diagnosis)
        )
    }

    private func program(for app: DetectedApp) -> LoaderProgram {
        let program = LoaderProgram(app.type, settings: self.settings, loaders: self.options.loadersDirectory)
        guard self.mayPreload, program.mayFork, self.settings.spawnMethod(for: app.type) == .smart else {
            return program
        }
        return LoaderProgram(
            app.type,
            settings: self.settings,
            loaders: self.options.loadersDirectory,
            role: .preloader
        )
    }

    private func ends(
        _ app: DetectedApp,
        _ program: LoaderProgram,
        _ identity: RunningIdentity,
        _ launch: StartedLaunch,
        _ channels: borrowing AppChannels,
        _ enclosure: Enclosure?
    ) -> ProcessEnds {
        let facts = AppProcessFacts(
            // The process that was asked for is one that serves.
            id: program.role == .worker ? self.request.processID : .random(),
            pid: launch.pid,
            // Nobody has collected it, so it is there even if it has ended.
            startTime: ProcInfo(pid: launch.pid)?.startTime ?? 0,
            group: self.request.key,
            generation: self.request.generation,
            appType: app.type,
            uid: identity.uid,
            gid: identity.gid,
            userName: identity.userName,
            socketPath: channels.socketPath,
            leaf: enclosure?.path
        )
        let group = ProcessGroupEnder(handle: launch.handle)
        return ProcessEnds(
            facts: facts,
            handle: launch.handle,
            control: channels.control,
            output: channels.output,
            ender: enclosure.map { EnclosureEnder(group: group, enclosure: $0) } ?? group,
            records: self.options.records,
            work: self.request.work
        )
    }

    /// With the names of groups, which are looked up here, where it may take its time.
    private func diagnosis(_ program: LoaderProgram, _ identity: RunningIdentity) -> LaunchDiagnosis {
        let accounts = SystemAccounts()
        // Nobody reads a list of hundreds; a group whose name cannot be found has its number.
        var names = identity.groups.prefix(20).map { gid in
            (try? accounts.groupName(gid: gid)).flatMap { $0 } ?? String(gid)
        }
        if identity.groups.count > names.count { names.append("…") }
        return LaunchDiagnosis(
            appRoot: self.settings.appRoot,
            program: program,
            identity: identity,
            groupNames: names
        )
    }

    /// Only a sweep after a crash of the whole daemon would miss it.
    private mutating func record(_ facts: AppProcessFacts) {
        do {
            try self.options.records?.add(facts)
        } catch {
            self.warnings.append(
                "processes cannot be recorded, so the next daemon could not end them if this one were killed: \(error)"
            )
        }
    }

    private func choosePort(_ program: LoaderProgram) throws(SpawnFailure.Cause) -> PortChoice? {
        guard program.readiness == .listening else { return nil }
        do throws(SystemError) {
            return try PortChoice.free(on: self.settings.directInstanceRequestAddress)
        } catch {
            throw SpawnFailure.Cause(error, doing: "no free port was found (passenger_direct_instance_request_address)")
        }
    }

    private func openChannels(
        _ program: LoaderProgram,
        _ identity: RunningIdentity
    ) throws(SpawnFailure.Cause) -> AppChannels {
        do throws(SystemError) {
            return try AppChannels(
                socketDirectory: program.role == .worker ? self.options.appSocketsDirectory : nil,
                backlog: self.options.socketBacklog,
                hasControl: program.readiness == .handshake,
                outputOwner: Self.launchIdentity(identity)
            )
        } catch {
            throw SpawnFailure.Cause(error, doing: "the channels of the process could not be made")
        }
    }

    private func plan(
        _ app: DetectedApp,
        _ program: LoaderProgram,
        _ environment: EnvironmentPlan,
        _ identity: RunningIdentity,
        _ channels: borrowing AppChannels,
        _ facts: AppRootFacts
    ) -> LaunchPlan {
        var plan = LaunchPlan(
            program: .path(program.interpreter),
            arguments: program.argumentVector,
            environment: environment.initial.map { (name: $0.name, value: $0.value) },
            identity: Self.launchIdentity(identity),
            workingDirectory: .examined(self.examinedDirectory(app, facts)),
            descriptors: channels.placements,
            umask: 0o022
        )
        plan.environmentChanges = LaunchPlan.EnvironmentChanges(environment)
        plan.reportsEnvironment = true
        plan.setsListenPID = program.readiness == .listening
        if let limit = self.settings.appFileDescriptorUlimit.map(UInt64.init(clamping:)) {
            plan.limits[.openFiles] = Limits.Limit(soft: limit, hard: limit)
        } else if let limit = self.options.openFilesLimit {
            plan.limits[.openFiles] = limit
        }
        // A daemon that is protected from the out-of-memory killer does not pass that on; raising needs no rights.
        if CurrentProcess.isRoot { plan.oomScoreAdjustment = 0 }
        self.options.startPriority?.apply(to: &plan)
        return plan
    }

    /// nil: the daemon's own.
    static func launchIdentity(_ identity: RunningIdentity) -> UserIdentity? {
        guard identity.isSwitched else { return nil }
        return UserIdentity(uid: identity.uid, gid: identity.gid, groups: identity.groups)
    }

    /// The owner of the root counts only where it decided something; a file that everybody may read may be anybody's.
    private func examinedDirectory(_ app: DetectedApp, _ facts: AppRootFacts) -> LaunchPlan.ExaminedDirectory {
        let startupFile = app.startupFile.map { path in
            LaunchPlan.StartupFile(
                path: path,
                device: app.fact.device,
                inode: app.fact.inode,
                owner: app.fact.uid
            )
        }
        return LaunchPlan.ExaminedDirectory(
            descriptor: facts.descriptor,
            walk: self.settings.appRoot,
            expectedOwner: facts.fact(at: .root)?.uid,
            startupFile: startupFile
        )
    }

    /// A few kilobytes into an empty socket never block, and a process that is gone again is seen by its exit.
    private func brief(_ app: DetectedApp, _ program: LoaderProgram, over control: SharedDescriptor?) {
        guard let control else { return }
        let briefing = LoaderBriefing(
            type: app.type,
            startupFile: app.startupFile ?? "",
            title: program.title ?? "",
            settings: self.settings,
            serverSoftware: self.options.serverSoftware,
            rubyLibrary: "\(self.options.loadersDirectory)/\(LoaderSources.rubyLibrary)",
            role: program.role
        )
        let sent = try? briefing.bytes.withUnsafeBytes { try Transfers.send(control.rawValue, $0) }
        guard sent != .bytes(briefing.bytes.count) else { return }
        // A loader would wait for the rest until the start timeout; the end of the channel fails the start within a second.
        try? Transfers.shutdownBoth(control.rawValue)
    }
}

extension LaunchPlan.EnvironmentChanges {
    init(_ plan: EnvironmentPlan) {
        self.init()
        self.loginShell = plan.loginShell
        self.changes = plan.changes.map { change in
            switch change {
            case .set(let variable): .set(name: variable.name, value: variable.value)
            case .unset(let name): .unset(name: name)
            case .append(let variable): .append(name: variable.name, value: variable.value)
            }
        }
        self.file = plan.file
        self.overrides = plan.overrides.map { Variable(name: $0.name, value: $0.value) }
    }
}
