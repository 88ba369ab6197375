// SPDX-License-Identifier: MIT

package import NIOCore

/// A request of an administration tool or of a front's status page; the payload is JSON.
package struct AdminRequest: Hashable, Sendable {
    package var id: UInt64
    package var json: ByteBuffer

    package init(id: UInt64, json: ByteBuffer) {
        self.id = id
        self.json = json
    }
}

/// The answer to the request with the same id; the payload is JSON.
package struct AdminResponse: Hashable, Sendable {
    package var id: UInt64
    package var json: ByteBuffer

    package init(id: UInt64, json: ByteBuffer) {
        self.id = id
        self.json = json
    }
}
