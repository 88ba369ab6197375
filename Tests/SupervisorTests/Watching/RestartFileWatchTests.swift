// SPDX-License-Identifier: MIT

import ApplicationPool
import Testing

@testable import Supervisor

struct RestartFileWatchTests {
    private let start = Instant(nanoseconds: 1_000_000_000_000)
    private let absent = RestartFacts(restartFile: .absent)
    private let touched = RestartFacts(restartFile: .present(seconds: 1, nanoseconds: 0, inode: 1))
    private let always = RestartFacts(restartFile: .absent, alwaysRestart: true)

    private func at(_ milliseconds: Int) -> Instant { self.start.advanced(by: .milliseconds(milliseconds)) }

    private func watch(isRemote: Bool) -> RestartFileWatch {
        var watch = RestartFileWatch()
        _ = watch.requestArrived(throttle: .zero, at: self.start)
        _ = watch.looked(RestartFileWatch.Look(isRemote: isRemote, facts: self.absent, devices: [7]))
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
            #expect(watch.requestArrived(throttle: .zero, at: self.at(time)) == .lookHere([7]))
        }
    }

    @Test func `a throttle spares looks`() {
        var watch = self.watch(isRemote: false)
        let actions = [1000, 9_999, 10_000, 10_001, 20_000].map {
            watch.requestArrived(throttle: .seconds(10), at: self.at($0))
        }
        #expect(actions == [.none, .none, .lookHere([7]), .none, .lookHere([7])])
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
        #expect(local.requestArrived(throttle: .zero, at: self.at(1)) == .lookHere([7]))
    }

    @Test func `a look here that would have to wait holds requests until a file thread has answered`() {
        var watch = self.watch(isRemote: false)
        watch.wouldWait()
        #expect(watch.requestArrived(throttle: .zero, at: self.at(1)) == .hold)
        #expect(watch.requestArrived(throttle: .seconds(10), at: self.at(2)) == .hold)
        let answer = RestartFileWatch.Look(isRemote: false, facts: self.touched, devices: [7, 8])
        #expect(watch.looked(answer) == .restartForTouch)
        #expect(watch.requestArrived(throttle: .zero, at: self.at(3)) == .lookHere([7, 8]))
    }

    @Test func `requests that were held restart an app that always restarts, once`() {
        for (isRestarting, expected) in [(false, RestartPolicy.Decision.restartForEachRequest), (true, .keep)] {
            var watch = self.watch(isRemote: false)
            watch.wouldWait()
            let answer = RestartFileWatch.Look(isRemote: false, facts: self.always, devices: [7])
            #expect(watch.looked(answer, isRestarting: isRestarting) == expected)
        }
    }

    @Test func `a file system that hangs is as good as remote, and requests go by the last answer`() {
        var watch = self.watch(isRemote: false)
        _ = watch.decide(self.touched, isRestarting: false)
        watch.wouldWait()
        watch.looksTooLong()
        #expect(watch.requestArrived(throttle: .zero, at: self.at(200)) == .use(self.touched))
        // No second thread is sent after the first one.
        #expect(watch.requestArrived(throttle: .zero, at: self.at(9000)) == .use(self.touched))
        // Once it answers, it is what the answer says.
        let answer = RestartFileWatch.Look(isRemote: false, facts: self.touched, devices: [7])
        #expect(watch.looked(answer) == .keep)
        #expect(watch.requestArrived(throttle: .zero, at: self.at(9001)) == .lookHere([7]))
    }

    @Test func `a patience that ends after the answer changes nothing`() {
        var watch = self.watch(isRemote: false)
        watch.looksTooLong()
        #expect(watch.place == .local([7]))
    }

    @Test func `local files that are found on a network file system are remote from then on`() {
        var watch = self.watch(isRemote: false)
        watch.wouldWait()
        _ = watch.looked(RestartFileWatch.Look(isRemote: true, facts: self.absent))
        #expect(watch.place == .remote(self.absent))
    }
}
