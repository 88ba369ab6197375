// SPDX-License-Identifier: MIT

/// Contents of files and bodies.
///
/// Megabytes are put together from pieces: made or compared one by one, they take seconds in a debug build.
package enum TestBytes {
    /// As long as no buffer, page or pipe is: what is lost, doubled or exchanged in such pieces does not fit any more.
    private static let block: [UInt8] = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

    /// So many bytes, among which each place looks different from the ones around it.
    package static func patterned(_ count: Int) -> [UInt8] { repeating(block, upTo: count) }

    /// `piece` again and again, up to so many bytes.
    package static func repeating(_ piece: [UInt8], upTo count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count + piece.count <= count { bytes += piece }
        return bytes + piece.prefix(count - bytes.count)
    }
}
