// SPDX-License-Identifier: MIT

import AdminTools

@main
enum PassengerMemoryStatsMain {
    static func main() {
        ToolMain.exit { arguments in PassengerMemoryStats.main(arguments: arguments) }
    }
}
