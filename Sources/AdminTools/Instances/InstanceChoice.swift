// SPDX-License-Identifier: MIT

import ShownText
package import WireProtocol

/// A running daemon that was found in a registry.
package struct FoundInstance: Hashable, Sendable {
    package let record: InstanceRecord
    /// Its instance directory.
    package let directory: String

    package init(record: InstanceRecord, directory: String) {
        self.record = record
        self.directory = directory
    }

    var adminSocketPath: String { self.directory + "/" + InstanceRecord.adminSocketName }
}

/// Which of the daemons found is meant.
enum InstanceChoice {
    /// `name` is an instance's name, the name of its directory, or the PID of its main process.
    static func choose(
        from found: [FoundInstance],
        named name: String?,
        searched: [String]
    ) throws(ToolFailure) -> FoundInstance {
        guard let name else { return try self.only(of: found, searched: searched) }
        let matching = found.filter { instance in
            [instance.record.name, InstanceRecord.directoryPrefix + instance.record.name, "\(instance.record.pid)"]
                .contains(name)
        }
        guard let match = matching.first else {
            let others = found.isEmpty ? "" : "\n\n" + self.list(found)
            throw ToolFailure(.usage, "No Flying Passenger instance is named '\(name)'.\(others)")
        }
        return match
    }

    private static func only(
        of found: [FoundInstance],
        searched: [String]
    ) throws(ToolFailure) -> FoundInstance {
        guard let first = found.first else {
            throw ToolFailure(
                .usage,
                """
                Flying Passenger is not running: no instance was found in \(searched.joined(separator: ", ")).
                If it runs as another user or with another --instance-registry-dir, name that directory, \
                or name its socket with --socket-file.
                """
            )
        }
        guard found.count == 1 else {
            throw ToolFailure(
                .usage,
                "Several Flying Passenger instances are running; name one with --instance NAME.\n\n" + self.list(found)
            )
        }
        return first
    }

    private static func list(_ found: [FoundInstance]) -> String {
        let width = max(4, found.map(\.record.name.count).max() ?? 0)
        let heading =
            TextColumns.leftJustified("Name", width) + "  " + TextColumns.leftJustified("PID", 7) + "  Version   Socket"
        let lines = found.sorted { $0.record.name < $1.record.name }.map { instance in
            TextColumns.leftJustified(SafeText.line(instance.record.name), width) + "  "
                + TextColumns.leftJustified("\(instance.record.pid)", 7) + "  "
                + TextColumns.leftJustified(SafeText.line(instance.record.version), 8) + "  "
                + SafeText.line(instance.record.socketPath)
        }
        return ([heading] + lines).joined(separator: "\n")
    }
}
