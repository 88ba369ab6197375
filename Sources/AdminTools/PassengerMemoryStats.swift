// SPDX-License-Identifier: MIT

package import ArgumentParser
import LinuxSystem
import ShownText
import WireProtocol

/// `passenger-memory-stats`: who uses how much memory, and what applications save by sharing it.
package struct PassengerMemoryStats: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "passenger-memory-stats",
        abstract: "Shows the memory of fronts and web servers, of a Flying Passenger daemon and of its applications.",
        discussion: """
            Private is what would be free if the process ended: pages that it alone has written, and swap. Shared are written pages \
            that others have as well: what a preloader loaded and its workers have not changed. Used is all of that for an \
            application, what is shared counted once; Saved is what its workers would use more if each had loaded it alone. \
            Root and the daemon's own user see everything, other users the applications that run as them. \
            Exit status: 0 done, 1 usage, no instance or several, 2 not permitted or failed.
            """,
        version: Product.nameAndVersion
    )

    @Flag(help: "Leave out Apache.")
    package var noApache = false

    @Flag(help: "Leave out nginx.")
    package var noNginx = false

    @Flag(help: "Print JSON; memory is in kilobytes.")
    package var json = false

    @OptionGroup(title: "Instance") package var instanceOptions: InstanceOptions

    @Argument(help: .init("The same as --instance.", valueName: "instance"))
    package var instanceName: String?

    package init() {}

    package static func main(arguments: [String]) -> Int32 {
        ToolMain.run(Self.self, arguments: arguments) { command throws(ToolFailure) in
            var client = try AdminClient.connect(
                command.instanceOptions,
                instanceName: command.instanceName,
                as: "passenger-memory-stats"
            )
            let report = try client.measuredStatus()
            let uids = [0, CurrentProcess.effectiveUID, ProcInfo.uid(of: report.corePID)].compactMap(\.self)
            let stats = MemoryStats(
                report,
                servers: ServerProcess.all(),
                trusting: Set(uids),
                families: command.families,
                look: { MemoryUse(pid: $0) }
            )
            return command.render(stats)
        }
    }

    var families: [ServerFamily] {
        ServerFamily.allCases.filter { family in
            switch family {
            case .front: true
            case .apache: !self.noApache
            case .nginx: !self.noNginx
            }
        }
    }

    func render(_ stats: MemoryStats) -> String {
        guard !self.json else { return SafeText.json(stats.prettyJSON()) + "\n" }
        let colours: Colours = Terminal.isStandardOutput ? .ansi : .none
        return MemoryText(colours: colours, date: Terminal.date).render(stats, at: WallClock.microseconds)
    }
}
