// SPDX-License-Identifier: MIT

import LinuxSystem

extension SpawnPreparation {
    private var limits: ProcessLimits { ProcessLimits(self.settings, standard: self.options.limits) }

    /// What the process of this plan is to be held in; nil: nothing but its process group.
    mutating func prepareEnclosure(_ plan: inout LaunchPlan) -> Enclosure? {
        guard let groups = self.options.appGroups else {
            if !self.limits.isEmpty {
                self.warnings.append("\(AppGroups.withoutLimits)apps have no control groups, see the start of the log")
            }
            return nil
        }
        let outcome = groups.prepare(self.request.key, self.limits)
        self.warnings += outcome.warnings
        outcome.enclosure?.enter(into: &plan)
        return outcome.enclosure
    }

    /// Its launch has begun.
    mutating func launched(_ pid: Int32, in enclosure: Enclosure?) {
        guard let groups = self.options.appGroups, let enclosure else { return }
        self.warnings += groups.launched(pid, in: enclosure, of: self.request.key)
    }
}
