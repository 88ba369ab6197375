// SPDX-License-Identifier: MIT

@main
enum FlyingPassengerMain {
    static func main() {}
}
