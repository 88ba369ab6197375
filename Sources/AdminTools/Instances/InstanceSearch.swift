// SPDX-License-Identifier: MIT

import LinuxSystem
import WireProtocol

/// Looks for running daemons in the registry directories.
struct InstanceSearch {
    let places: [InstanceRegistry.Place]

    init(option: String?) {
        self.places = InstanceRegistry.searchPlaces(
            option: option,
            uid: CurrentProcess.effectiveUID,
            environment: CurrentProcess.environment
        )
    }

    init(places: [InstanceRegistry.Place]) {
        self.places = places
    }

    /// Instances whose main process is alive, in the order of the places.
    func run() -> [FoundInstance] {
        self.places.flatMap { place in
            Self.isTrustworthy(place.path, owner: place.owner) ? Self.instances(in: place) : []
        }
    }

    /// A directory that somebody else could fill would let them pose as the daemon.
    static func isTrustworthy(_ path: String, owner: UInt32?) -> Bool {
        // What cannot be looked at is not trusted, here and below.
        guard let status = try? FileStatus(path: path, followingLinks: owner == nil), status.kind == .directory else {
            return false
        }
        guard let owner else { return !status.isWritableByOthers || status.isSticky }
        return status.owner == owner && !status.isWritableByGroup && !status.isWritableByOthers
    }

    private static func instances(in place: InstanceRegistry.Place) -> [FoundInstance] {
        // A registry that cannot be listed holds nothing for this user.
        let names = (try? Files.list(place.path)) ?? []
        return names.filter { $0.hasPrefix(InstanceRecord.directoryPrefix) }.compactMap { name in
            self.instance(at: place.path + "/" + name, in: place)
        }
    }

    /// In a directory where everybody may create entries only those of root and of this user count.
    private static func mayBelieve(_ owner: UInt32, in place: InstanceRegistry.Place) -> Bool {
        guard let status = try? FileStatus(path: place.path) else { return false }
        return !status.isWritableByOthers || owner == 0 || owner == CurrentProcess.effectiveUID
    }

    private static func instance(at directory: String, in place: InstanceRegistry.Place) -> FoundInstance? {
        guard let status = try? FileStatus(path: directory, followingLinks: false), status.kind == .directory,
            !status.isWritableByOthers, self.mayBelieve(status.owner, in: place),
            let json = try? Files.read(directory + "/" + InstanceRecord.fileName, limit: 65_536),
            let record = InstanceRecord(json: json), record.uid == status.owner, self.isAlive(record)
        else { return nil }
        return FoundInstance(record: record, directory: directory)
    }

    private static func isAlive(_ record: InstanceRecord) -> Bool {
        guard let process = ProcInfo(pid: record.pid), !process.isZombie else { return false }
        return process.startTime == record.processStartTime
    }
}
