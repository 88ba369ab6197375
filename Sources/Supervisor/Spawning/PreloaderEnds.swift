// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan
import WireProtocol

/// A preloader that has loaded its app, or a process that is to fork one, as far as it is needed to have it fork.
struct PreloaderEnds: Sendable {
    let facts: AppProcessFacts
    /// Readable once it has ended.
    let handle: ProcessHandle
    /// Takes orders.
    let control: SharedDescriptor
    let program: LoaderProgram
    let identity: RunningIdentity
    /// How it came to be ready: environment, limits and user are those of what it forks, too.
    let start: StartContext
    /// Ends it.
    let process: any ProcessOwner

    var id: ProcessID { self.facts.id }
}

/// A start that brought what was asked for, or first what that can be made of.
enum StartedProcess: Sendable {
    case worker(SpawnedProcess)
    case preloader(PreloaderEnds)
}
