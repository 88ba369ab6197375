// SPDX-License-Identifier: MIT

import FrontProxy

@main
enum FrontProxyMain {
    /// Synchronous: going to the background is possible only while there is one thread.
    static func main() {
        FrontProgram.main()
    }
}
