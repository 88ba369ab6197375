// SPDX-License-Identifier: MIT

import LinuxSystem
import ShownText
import SpawnPlan

extension SpawnFailure.Cause {
    init(_ error: SystemError, doing what: String) {
        let isFull = error.isOutOfResources
        self.init(
            .operatingSystem,
            isFull ? .resources : .internalError,
            "\(what): \(error.description)",
            remedies: isFull ? Self.remedies(forCode: error.code) : []
        )
    }

    /// What to look at when the kernel had none left.
    static func remedies(forCode code: Int32) -> [Remedy] {
        let name = SystemError.name(ofCode: code)
        return switch name {
        case "EMFILE":
            ["Let the daemon have more open files: LimitNOFILE= in its unit, or ulimit -n before it is started."]
        case "ENFILE": [Remedy("Let the machine have more open files; now it may have:", shell: "sysctl fs.file-max")]
        case "EAGAIN":
            [
                Remedy(
                    "Look for a limit on processes: ulimit -u of the user, kernel.pid_max, and TasksMax= of the daemon's unit:",
                    shell: "systemctl show flying-passenger -p TasksMax -p TasksCurrent; sysctl kernel.pid_max"
                )
            ]
        case "ENOSPC", "EDQUOT":
            [Remedy("Make room on the file system that holds the instance directory, see:", shell: "df -h /run")]
        default: [Remedy("Look at the memory of the machine, for example with:", shell: "free -m")]
        }
    }
}
