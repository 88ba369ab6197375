// SPDX-License-Identifier: MIT

import LinuxSystem
import PathSafety

/// A link on the way to a file that `LinkPolicy` does not let be followed.
struct RefusedLink: Equatable {
    let link: String
    let target: String
    let owner: UInt32
    /// The owner of what it leads to.
    let leadsTo: UInt32
}

/// Why a file could not be opened through links.
enum LinkProblem: Error, CustomStringConvertible {
    case refused(RefusedLink)
    case system(SystemError)

    var description: String {
        switch self {
        case .refused(let link):
            "the link \(link.link) belongs to uid \(link.owner), what it leads to belongs to uid \(link.leadsTo)"
        case .system(let error): error.description
        }
    }
}

/// Opens files on the way to which there are links, those on the way to the document root included.
///
/// The walk from the root of the file system is made once for each directory. As long as its links are the same, by device,
/// inode and change time, and lead to the same directories of the same owners, files are opened right where they are.
/// Confined to one event loop.
final class LinkedFiles {
    /// Directories that are remembered at a time.
    private static let maxDirectories = 64

    private struct Way {
        /// Without links.
        let directory: [UInt8]
        let points: [WalkedPoint]
        let appUser: UInt32?
    }

    private var ways: [[UInt8]: Way] = [:]

    /// `path` is absolute, and the first `rootLength` bytes of it name the document root.
    func open(_ path: [UInt8], rootLength: Int, appUser: UInt32?) throws(LinkProblem) -> FoundFile {
        let slash = path.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        let directory = Array(path[..<slash])
        if let file = openAtOnce(directory, name: path[slash...], appUser) { return file }
        ways[directory] = nil
        let (file, walked) = try Self.walk(path, rootLength: rootLength, appUser: appUser)
        remember(walked, for: directory, name: path[slash...], appUser)
        return file
    }

    /// The same without memory.
    static func open(_ path: String) throws(LinkProblem) -> FoundFile {
        try walk(Array(path.utf8), rootLength: 0, appUser: nil).file
    }

    /// `name` begins with its slash.
    private func openAtOnce(_ directory: [UInt8], name: ArraySlice<UInt8>, _ appUser: UInt32?) -> FoundFile? {
        guard let way = ways[directory], way.appUser == appUser, way.points.allSatisfy(\.isUnchanged) else {
            return nil
        }
        // Where that fails, the walk finds out why.
        guard let descriptor = try? Files.openWithoutLinks(way.directory + name),
            let status = try? FileStatus(descriptor: descriptor.rawValue)
        else { return nil }
        return FoundFile(descriptor, status: status, name: String(decoding: name.dropFirst(), as: UTF8.self))
    }

    private static func walk(
        _ path: [UInt8],
        rootLength: Int,
        appUser: UInt32?
    ) throws(LinkProblem) -> (file: FoundFile, walked: WalkedFile) {
        let walked = try system { () throws(SystemError) in
            try PathWalk.look(at: Array(path[rootLength...]), below: Array(path[..<rootLength]))
        }
        if let refused = refusal(of: walked, appUser) { throw .refused(refused) }
        let name = path.split(separator: UInt8(ascii: "/")).last ?? []
        let file = try system { () throws(SystemError) in
            FoundFile(try walked.openForReading(), status: walked.status, name: String(decoding: name, as: UTF8.self))
        }
        return (file, walked)
    }

    private static func system<Answer>(_ body: () throws(SystemError) -> Answer) throws(LinkProblem) -> Answer {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .system(error)
        }
    }

    private static func refusal(of walked: WalkedFile, _ appUser: UInt32?) -> RefusedLink? {
        let policy = LinkPolicy(rootOwner: walked.root.status.owner, appUser: appUser)
        guard let place = policy.refusal(of: walked.trail), case .link(let fact, let target, let leadsTo) = place.step
        else { return nil }
        return RefusedLink(link: place.path, target: target, owner: fact.owner, leadsTo: leadsTo)
    }

    private func remember(_ walked: WalkedFile, for directory: [UInt8], name: ArraySlice<UInt8>, _ appUser: UInt32?) {
        // A link in the last place is the file's own matter, not one of its directory.
        guard walked.path.suffix(name.count).elementsEqual(name),
            walked.points.allSatisfy({ $0.path != walked.path })
        else { return }
        if ways.count >= Self.maxDirectories { ways = [:] }
        ways[directory] = Way(
            directory: Array(walked.path.dropLast(name.count)),
            points: walked.points + [walked.root],
            appUser: appUser
        )
    }
}
