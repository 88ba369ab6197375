// SPDX-License-Identifier: MIT

package import ArgumentParser

/// `passenger-config request-oob-work PID`: has a process do its out-of-band work although it has not asked for it.
///
/// It returns when the daemon has noted it: the work begins when another process can serve meanwhile.
package struct RequestOutOfBandWork: Subcommand {
    package static let configuration = CommandConfiguration(
        commandName: "request-oob-work",
        abstract: "Has a process of an application do its out-of-band work, such as a garbage collection.",
        discussion: """
            The work begins as soon as the process can be spared: its requests end first, and another process serves \
            meanwhile; where there is none it is started, when there is room for it. passenger-status says DISABLED beside a \
            process that works.
            """
    )

    @Argument(help: .init("The process, as passenger-status shows it.", valueName: "pid"))
    package var pid: Int32

    @OptionGroup(title: "Instance") package var instanceOptions: InstanceOptions

    package init() {}

    package func validate() throws {
        guard self.pid > 0 else { throw ValidationError("\(self.pid) is no PID of a process.") }
    }

    package func carryOut() throws(ToolFailure) -> String {
        var client = try AdminClient.connect(self.instanceOptions, instanceName: nil, as: PassengerConfig.name)
        try client.requestOutOfBandWork(of: self.pid)
        return "Process \(self.pid): out-of-band work requested.\n"
    }
}
