// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// Memory that was refused, by a limit, the language or the kernel.
enum MemoryTopic {
    static func find(in evidence: Evidence) -> DiagnosisFinding? {
        let phrases: [StaticString] = [
            "NoMemoryError", "failed to allocate memory", "JavaScript heap out of memory", "Cannot allocate memory",
            "java.lang.OutOfMemoryError", "std::bad_alloc", "\nMemoryError", "MemoryError: ",
        ]
        if phrases.contains(where: evidence.contains) || evidence.isExactly("MemoryError") { return .memory }
        return nil
    }

    static func remedies(_ scene: DiagnosisScene) -> [Remedy] {
        var remedies: [Remedy] = []
        if let limit = scene.limits.first(where: { $0.name == "address space" }), let soft = limit.soft {
            remedies.append(
                .init(
                    "The process may use at most \(soft / 1_048_576) MiB of address space (ulimit -v). If that is too little, "
                        + "raise the limit of the daemon, for example LimitAS= of its unit."
                )
            )
        }
        if scene.type == .node {
            remedies.append(
                .init(
                    "Node keeps its heap below a limit of its own. Raise it in the front's configuration, in MiB:",
                    configuration: "passenger_env_var NODE_OPTIONS --max-old-space-size=2048;"
                )
            )
        }
        return remedies + self.remediesForKernel
    }

    /// Nothing else than the kernel tells that it was short of memory.
    static let remediesForKernel: [Remedy] = [
        .init(
            "See whether the kernel ran out of memory and which process it ended:",
            shell: "journalctl -k --since -1h | grep -i -e 'out of memory' -e oom-kill"
        ),
        .init("See how much memory the machine has left, and what uses it:", shell: "free -m; passenger-status"),
    ]
}
