// SPDX-License-Identifier: MIT

package import ShownText

/// Directories that the whole machine relies on: whoever keeps something unsafely in one has to move it, never to change
/// the directory.
package enum SharedPlace {
    /// Those of the Filesystem Hierarchy Standard, and root's home.
    private static let directories: [StaticString] = [
        "/", "/bin", "/boot", "/dev", "/dev/shm", "/etc", "/home", "/lib", "/lib32", "/lib64", "/media", "/mnt", "/opt",
        "/proc", "/root", "/run", "/run/lock", "/run/shm", "/run/user", "/sbin", "/srv", "/sys", "/tmp", "/usr",
        "/usr/bin",
        "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/local", "/usr/local/bin", "/usr/local/lib", "/usr/local/sbin",
        "/usr/sbin", "/usr/share", "/var", "/var/cache", "/var/lib", "/var/lock", "/var/log", "/var/mail", "/var/opt",
        "/var/run", "/var/spool", "/var/tmp",
    ]

    /// `path` is absolute.
    package static func isSystem(_ path: String) -> Bool {
        var bytes = Substring(path).utf8
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return directories.contains { $0.withUTF8Buffer { bytes.elementsEqual($0) } }
    }

    /// Right below /home: nobody else can do anything with it, whoever it is given to.
    static func isHome(_ path: String) -> Bool {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"))
        return parts.count == 2 && parts[0].elementsEqual("home".utf8)
    }

    /// What to do instead of what would change it.
    package static func remedy(_ path: String) -> Remedy {
        Remedy(
            "Leave \(SafeText.name(path)) as it is, since others rely on that, and keep what lies below it elsewhere."
        )
    }
}
