// SPDX-License-Identifier: MIT

extension LogKeys {
    static let connection = "connection"
    static let peer = "peer-pid"
    static let role = "role"
    static let product = "product"
    static let protocolVersion = "protocol"
}
