// SPDX-License-Identifier: MIT

import AdminTools

@main
enum PassengerConfigMain {
    static func main() {
        ToolMain.exit { arguments in PassengerConfig.main(arguments: arguments) }
    }
}
