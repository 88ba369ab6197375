// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import WireProtocol

/// Sends settings through a `DefineApp` whose entries are written in the given order.
enum SettingsListBytes {
    static func of(_ entries: [SettingsList.Entry]) -> ByteBuffer? {
        var payload = ByteBuffer()
        payload.writeInteger(UInt32(1))
        payload.writeInteger(UInt32(0))
        payload.writeInteger(UInt32(entries.count))
        for entry in entries {
            for text in [entry.name, entry.value] {
                payload.writeInteger(UInt32(text.utf8.count))
                payload.writeString(text)
            }
        }
        let message = try? FrontMessage(frame: Frame(type: MessageType.defineApp.rawValue, payload: payload))
        guard case .defineApp(let definition) = message else { return nil }
        return definition.settings.canonicalBytes
    }
}
