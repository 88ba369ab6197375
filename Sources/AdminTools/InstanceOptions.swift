// SPDX-License-Identifier: MIT

package import ArgumentParser
import WireProtocol

/// How a tool finds the daemon; the same options in every tool.
package struct InstanceOptions: ParsableArguments {
    @Option(
        help: .init("Name of the instance (default: $PASSENGER_INSTANCE_NAME, else the only one).", valueName: "name")
    )
    package var instance: String?

    @Option(
        help: .init(
            "Where to look for instances (default: $\(InstanceRegistry.environmentVariable), else /run/flying-passenger, "
                + "$XDG_RUNTIME_DIR/flying-passenger and /tmp/flying-passenger-UID).",
            valueName: "dir"
        )
    )
    package var instanceRegistryDir: String?

    @Option(help: .init("Ask the daemon that listens on this socket.", valueName: "path"))
    package var socketFile: String?

    package init() {}
}
