// SPDX-License-Identifier: MIT

@main
enum PassengerStatusMain {
    static func main() {}
}
