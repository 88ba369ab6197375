// SPDX-License-Identifier: MIT

import NIOCore

extension ByteBuffer {
    /// Writes one frame; its length is filled in when the payload is complete.
    mutating func writeFrame(_ type: MessageType, _ payload: (inout ByteBuffer) -> Void) {
        let start = self.writerIndex
        self.writeInteger(UInt32(0))
        self.writeInteger(type.rawValue)
        payload(&self)
        self.setInteger(UInt32(clamping: self.writerIndex - start - 4), at: start)
    }

    mutating func writeNumber(_ number: some WireNumber) { self.writeInteger(number.rawValue) }

    mutating func writeText(_ text: String) {
        self.writeInteger(UInt32(clamping: text.utf8.count))
        self.writeString(text)
    }

    mutating func writeOptional<Value>(_ value: Value?, _ write: (inout ByteBuffer, Value) -> Void) {
        guard let value else {
            self.writeInteger(UInt8(0))
            return
        }
        self.writeInteger(UInt8(1))
        write(&self, value)
    }

    mutating func writeList<Value>(_ values: [Value], _ write: (inout ByteBuffer, Value) -> Void) {
        self.writeInteger(UInt32(clamping: values.count))
        for value in values { write(&self, value) }
    }
}
