// SPDX-License-Identifier: MIT

import ApplicationPool
import Testing

@testable import Supervisor

struct RestartFileWatchTests {
    private let start = Instant(nanoseconds: 1_000_000_000_000)
    private let absent = RestartFacts(restartFile: .absent)
    private let touched = RestartFacts(restartFile: .present(modifiedNanoseconds: 1, inode: 1))
    private let always = RestartFacts(restartFile: .absent, alwaysRestart: true)

    private func at(_ milliseconds: Int) -> Instant { self.start.advanced(by: .milliseconds(milliseconds)) }

    private func watch(isRemote: Bool) -> RestartFileWatch {
        var watch = RestartFileWatch()
        _ = watch.requestArrived(throttle: .zero, at: self.start)
        _ = watch.looked(RestartFileWatch.Look(isRemote: isRemote, facts: self.absent))
        return watch
    }

    @Test func `the first look is made elsewhere, once`() {
        var watch = RestartFileWatch()
        #expect(watch.requestArrived(throttle: .zero, at: self.at(0)) == .lookElsewhere)
        #expect(watch.requestArrived(throttle: .zero, at: self.at(1)) == .none)
        watch.lookFailed()
        #expect(watch.requestArrived(throttle: .zero, at: self.at(2)) == .lookElsewhere)
    }

    @Test func `local files are looked at for each request`() {
        var watch = self.watch(isRemote: false)
        for time in [0, 0, 1, 2] {
            #expect(watch.requestArrived(throttle: .zero, at: self.at(time)) == .lookHere)
        }
    }

    @Test func `a throttle spares looks`() {
        var watch = self.watch(isRemote: false)
        let actions = [1000, 9_999, 10_000, 10_001, 20_000].map {
            watch.requestArrived(throttle: .seconds(10), at: self.at($0))
        }
        #expect(actions == [.none, .none, .lookHere, .none, .lookHere])
    }

    @Test func `remote files are looked at elsewhere, at most once a second`() {
        var watch = self.watch(isRemote: true)
        #expect(watch.requestArrived(throttle: .zero, at: self.at(500)) == .use(self.absent))
        #expect(watch.requestArrived(throttle: .zero, at: self.at(1000)) == .useAndLookElsewhere(self.absent))
        #expect(watch.requestArrived(throttle: .zero, at: self.at(5000)) == .use(self.absent))
        let decision = watch.looked(RestartFileWatch.Look(isRemote: true, facts: self.touched))
        #expect(decision == .restartForTouch)
        #expect(watch.requestArrived(throttle: .zero, at: self.at(5000)) == .useAndLookElsewhere(self.touched))
    }

    @Test func `a remote always_restart counts for requests, not for the answer itself`() {
        var watch = self.watch(isRemote: true)
        let decision = watch.looked(RestartFileWatch.Look(isRemote: true, facts: self.always))
        #expect(decision == .keep)
        #expect(watch.requestArrived(throttle: .zero, at: self.at(1)) == .use(self.always))
        #expect(watch.decide(self.always, isRestarting: false) == .restartForEachRequest)
        #expect(watch.decide(self.always, isRestarting: true) == .keep)
    }

    @Test func `after a restart a remote place is found out again`() {
        var watch = self.watch(isRemote: true)
        watch.reclassify()
        #expect(watch.requestArrived(throttle: .zero, at: self.at(1)) == .lookElsewhere)
        var local = self.watch(isRemote: false)
        local.reclassify()
        #expect(local.requestArrived(throttle: .zero, at: self.at(1)) == .lookHere)
    }
}
