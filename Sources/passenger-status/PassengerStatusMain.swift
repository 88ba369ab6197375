// SPDX-License-Identifier: MIT

import AdminTools

@main
enum PassengerStatusMain {
    static func main() {
        ToolMain.exit { arguments in PassengerStatus.main(arguments: arguments) }
    }
}
