// SPDX-License-Identifier: MIT

package import AppSettings
package import NIOCore

extension SettingsList {
    /// Reads a list and brings it into the canonical form, whatever order the peer chose.
    init(reading reader: inout PayloadReader) throws(WireError) {
        let limit = WireLimits.settingsPerApp
        let text = Int(WireLimits.manifestFrame)
        let entries = try reader.list(limit: limit, "settings", smallest: 8) { reader throws(WireError) in
            Entry(
                name: try reader.text(limit: text, "setting name"),
                value: try reader.text(limit: text, "setting value")
            )
        }
        self.init(entries)
    }

    /// Reads what `canonicalBytes` gave.
    package init(canonicalBytes bytes: ByteBuffer) throws(WireError) {
        var reader = PayloadReader(Frame(type: 0, payload: bytes))
        try self.init(reading: &reader)
    }

    func write(into buffer: inout ByteBuffer) {
        buffer.writeList(self.entries) { buffer, entry in
            buffer.writeText(entry.name)
            buffer.writeText(entry.value)
        }
    }

    /// The list as it is written on the wire: what "byte for byte the same settings" is decided on.
    ///
    /// Comparing strings would not do: Swift holds texts that differ in bytes for equal if Unicode does.
    package var canonicalBytes: ByteBuffer {
        var buffer = ByteBuffer()
        self.write(into: &buffer)
        return buffer
    }
}
