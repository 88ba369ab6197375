// SPDX-License-Identifier: MIT

package import ArgumentParser
import WireProtocol

/// `passenger-config`: has a daemon do things; a subcommand for each.
package struct PassengerConfig: ParsableCommand {
    /// Also how a connection names itself to the daemon.
    static let name = "passenger-config"

    package static let configuration = CommandConfiguration(
        commandName: Self.name,
        abstract: "Has a Flying Passenger daemon do things.",
        discussion: """
            Root and the daemon's own user may do everything, other users what concerns the applications that run as them. \
            Exit status: 0 done, 1 usage, no instance or several, or what is named is not there or cannot do it, 2 not permitted \
            or failed.
            """,
        version: Product.nameAndVersion,
        subcommands: [RequestOutOfBandWork.self]
    )

    package init() {}

    package static func main(arguments: [String]) -> Int32 {
        ToolMain.runSubcommand(of: Self.self, arguments: arguments)
    }
}
