// SPDX-License-Identifier: MIT

package import ArgumentParser
import LinuxSystem
import ShownText
import WireProtocol

/// `passenger-status`: what the daemon is doing.
package struct PassengerStatus: ParsableCommand {
    package enum Show: String, CaseIterable, ExpressibleByArgument, Sendable {
        case pool, server, requests, connections, json, xml

        /// What `--help` offers: `xml` is known only so that its refusal can name the way out.
        package static var allValueStrings: [String] { Self.allCases.filter { $0 != .xml }.map(\.rawValue) }
    }

    package static let configuration = CommandConfiguration(
        commandName: "passenger-status",
        abstract: "Shows the applications and processes of a Flying Passenger daemon.",
        discussion: """
            Root and the daemon's own user see everything, other users the applications that run as them. \
            Exit status: 0 done, 1 usage, no instance or several, 2 not permitted or failed.
            """,
        version: Product.nameAndVersion
    )

    @Option(
        help: .init(
            "pool, requests (running and waiting), server (connected fronts; also connections) or json.",
            valueName: "pool|requests|server|json"
        )
    )
    package var show = Show.pool

    @Flag(help: "The same as --show=json.")
    package var json = false

    @Flag(name: .shortAndLong, help: "Also show users and why, queued requests, spawn times, generations, last errors.")
    package var verbose = false

    @Flag(help: "Leave out the two lines with version and date.")
    package var noHeader = false

    @Flag(help: "Use colours although the output is no terminal.")
    package var forceColors = false

    @Option(
        help: .init(
            "Serve an application again, at once, that is in quarantine; its name as this tool shows it. Root only.",
            valueName: "application"
        )
    )
    package var liftQuarantine: String?

    @OptionGroup(title: "Instance") package var instanceOptions: InstanceOptions

    @Argument(help: .init("The same as --instance.", valueName: "instance"))
    package var instanceName: String?

    package init() {}

    package mutating func validate() throws {
        guard self.show != .xml else {
            throw ValidationError("--show=xml is not available in this version; use --show=json.")
        }
    }

    package static func main(arguments: [String]) -> Int32 {
        ToolMain.run(Self.self, arguments: arguments) { command throws(ToolFailure) in
            var client = try AdminClient.connect(
                command.instanceOptions,
                instanceName: command.instanceName,
                as: "passenger-status"
            )
            if let application = command.liftQuarantine {
                try client.liftQuarantine(of: application)
                return ""
            }
            return command.render(try client.status())
        }
    }

    func render(_ report: StatusReport) -> String {
        let colours: Colours = self.forceColors || Terminal.isStandardOutput ? .ansi : .none
        switch self.json ? .json : self.show {
        case .json, .xml: return SafeText.json(report.prettyJSON()) + "\n"
        case .pool:
            return self.header(report)
                + PoolText(isVerbose: self.verbose, colours: colours, date: Terminal.date).render(report)
        case .requests: return self.header(report) + RequestsText().render(report)
        case .server, .connections:
            return self.header(report) + ServerText().render(report)
        }
    }

    private func header(_ report: StatusReport) -> String {
        guard !self.noHeader else { return "" }
        return "Version: \(SafeText.line(report.version))\nDate   : \(Terminal.date(WallClock.microseconds))\n"
    }
}
