// SPDX-License-Identifier: MIT

/// Who may write to a directory, besides its owner.
package enum PathWriter: Hashable, Sendable {
    case everybody
    case group(UInt32)
    /// By an entry of the access list.
    case user(UInt32)
}

/// What decides who can replace something in a directory, or who made a link.
package struct PathFact: Hashable, Sendable {
    package let owner: UInt32
    package let group: UInt32
    /// Permission bits, with the sticky bit.
    package let mode: UInt32
    /// nil: the mode tells all.
    package let accessList: AccessList?

    package init(owner: UInt32, group: UInt32, mode: UInt32, accessList: AccessList? = nil) {
        self.owner = owner
        self.group = group
        self.mode = mode
        self.accessList = accessList
    }

    /// An access list has the say about groups: what the mode shows in its place is the mask of that list.
    package var writers: [PathWriter] {
        if let accessList { return accessList.writers(group: group) }
        return (mode & 0o002 != 0 ? [.everybody] : []) + (mode & 0o020 != 0 ? [.group(group)] : [])
    }

    package var isSticky: Bool { mode & 0o1000 != 0 }
}

/// What a walk along a path has met, from the root of the file system on.
package struct PathTrail: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        /// A directory in which one name was looked up; `holds` is the owner of what was found under it.
        case passed(PathFact, holds: UInt32)
        /// A directory all of whose content counts: where it leads, or where code lies.
        case entered(PathFact)
        /// A symbolic link; `leadsTo` is the owner of what it leads to in the end.
        case link(PathFact, target: String, leadsTo: UInt32)
    }

    package struct Place: Hashable, Sendable {
        /// Without links, and without `.` and `..`; for sentences and commands only.
        package let path: String
        package let step: Step

        package init(_ path: String, _ step: Step) {
            self.path = path
            self.step = step
        }
    }

    package private(set) var places: [Place]

    package init(_ places: [Place] = []) { self.places = places }

    package mutating func append(_ path: String, _ step: Step) { places.append(Place(path, step)) }

    /// The walk has come to what link number `index` of the trail leads to.
    package mutating func linkLeads(at index: Int, to owner: UInt32) {
        guard places.indices.contains(index), case .link(let fact, let target, _) = places[index].step else { return }
        places[index] = Place(places[index].path, .link(fact, target: target, leadsTo: owner))
    }

    /// What was met before a place.
    package func way(to place: Int) -> PathTrail { PathTrail(Array(places.prefix(place))) }
}
