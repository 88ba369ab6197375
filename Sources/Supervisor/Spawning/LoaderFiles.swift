// SPDX-License-Identifier: MIT

package import LinuxSystem
import SpawnPlan

/// Puts the built-in loaders where app users can read them.
package enum LoaderFiles {
    /// Writes all loaders below `directory`, which is made if it is missing; nobody but the daemon's user may write there.
    package static func install(into directory: String) throws(SystemError) {
        try Files.makeDirectories(directory)
        for source in LoaderSources.all {
            let path = "\(directory)/\(source.path)"
            if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
                try Files.makeDirectories(String(Substring(path.utf8[..<slash])))
            }
            try Files.write(source.bytes, to: path, mode: 0o444)
        }
    }
}
