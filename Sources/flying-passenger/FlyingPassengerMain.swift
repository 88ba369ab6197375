// SPDX-License-Identifier: MIT

import Supervisor

@main
enum FlyingPassengerMain {
    /// Synchronous: going to the background is possible only while there is one thread.
    static func main() {
        Daemon.exit(Daemon.main(CommandLine.arguments))
    }
}
