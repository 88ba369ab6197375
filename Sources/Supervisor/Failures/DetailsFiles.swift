// SPDX-License-Identifier: MIT

import LinuxSystem

/// The details files of the latest failures, `ERRORID.txt` in a directory that only the daemon's user may enter.
///
/// It waits for the disk: not for an event loop.
struct DetailsFiles: Sendable {
    /// More failures than an operator will look into; bounds what a crash loop can fill.
    static let kept = 50

    let directory: String

    /// Returns the path of the file.
    func write(_ text: String, errorID: String) throws(SystemError) -> String {
        let path = "\(self.directory)/\(errorID).txt"
        try Files.write(Array(text.utf8), to: path, mode: 0o600)
        self.removeOldest()
        return path
    }

    /// A core that took over from another one finds that one's files, so the directory itself is asked.
    private func removeOldest() {
        // What cannot be listed or removed now is tried again with the next failure.
        guard let names = try? Files.list(self.directory), names.count > Self.kept else { return }
        let files = names.map { name -> (path: String, time: FileTime) in
            let path = "\(self.directory)/\(name)"
            return (path, (try? FileStatus(path: path, followingLinks: false))?.modificationTime ?? .distantPast)
        }
        for file in files.sorted(by: { $0.time < $1.time }).prefix(names.count - Self.kept) {
            try? Files.remove(file.path)
        }
    }
}
