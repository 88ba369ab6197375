// SPDX-License-Identifier: MIT

@main
enum FrontProxyMain {
    static func main() {}
}
