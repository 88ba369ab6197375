// SPDX-License-Identifier: MIT

import AppSettings
import Logging
import NIOCore
import SpawnPlan
import WireProtocol

/// One spawn under way, which may take several starts; confined to the core loop.
final class PreloaderSpawn: SpawnHandle {
    let request: SpawnRequest
    let completion: (Result<SpawnedProcess, SpawnFailure>) -> Void
    /// What is under way at the moment.
    var step: (any SpawnHandle)?
    var hasRetried = false

    init(_ request: SpawnRequest, _ completion: @escaping (Result<SpawnedProcess, SpawnFailure>) -> Void) {
        self.request = request
        self.completion = completion
    }

    func cancel() { self.step?.cancel() }
}

/// A process that serves, and what a preloader that comes of it is.
struct ForkedProcessOrigin {
    let process: SpawnedProcess
    let program: LoaderProgram
}

/// One refork under way; confined to the core loop.
final class ReforkUnderWay {
    let request: SpawnRequest
    /// Of the preloader to come.
    let generation: UInt32
    let completion: (SpawnFailure?) -> Void
    var step: (any SpawnHandle)?
    private(set) var isCancelled = false

    init(_ request: SpawnRequest, generation: UInt32, _ completion: @escaping (SpawnFailure?) -> Void) {
        self.request = request
        self.generation = generation
        self.completion = completion
    }

    func cancel() {
        self.isCancelled = true
        self.step?.cancel()
    }
}

extension AppType {
    /// Whether a process of it that was forked, and serves, can be forked in turn.
    var canRefork: Bool {
        switch self {
        case .rack, .classicRails, .wsgi: true
        // Its event loop is in the middle of something.
        case .asgi: false
        case .node, .generic: false
        }
    }
}

/// A preloader that has loaded its app; confined to the core loop.
final class Preloader {
    let ends: PreloaderEnds
    /// 0: it has loaded the app; else it came of a process that one of the generation before had forked.
    let generation: UInt32
    let began: Duration
    var life: PreloaderLife
    /// Zero: none.
    var idleLimit: Duration
    var idleTimer: Scheduled<Void>?

    init(_ ends: PreloaderEnds, generation: UInt32, idleLimit: Duration, at now: Duration) {
        self.ends = ends
        self.generation = generation
        self.began = now
        self.life = PreloaderLife(at: now)
        self.idleLimit = idleLimit
    }

    var key: GroupKey { self.ends.facts.group }
    var rank: Int { self.key.tenant == nil ? 1 : 0 }
    var metadata: Logger.Metadata { [LogKeys.group: "\(self.key)", LogKeys.pid: "\(self.ends.facts.pid)"] }
}
