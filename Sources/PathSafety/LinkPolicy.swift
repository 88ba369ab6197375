// SPDX-License-Identifier: MIT

/// Which links on the way to a file that is served to the world are followed (docs/security.md).
///
///     link belongs to                      is followed
///     root                                 always
///     the owner of what it leads to        always
///     the owner of the document root       if what it leads to belongs to the app's user
///     anybody else                         never
package struct LinkPolicy: Hashable, Sendable {
    /// Of the document root, once it has been reached.
    package let rootOwner: UInt32?
    /// As whom the app runs, if its configuration says so.
    package let appUser: UInt32?

    package init(rootOwner: UInt32?, appUser: UInt32?) {
        self.rootOwner = rootOwner
        self.appUser = appUser
    }

    /// The first link of a trail that is not to be followed.
    package func refusal(of trail: PathTrail) -> PathTrail.Place? {
        trail.places.first { place in
            guard case .link(let fact, _, let leadsTo) = place.step else { return false }
            return !follows(owner: fact.owner, leadsTo: leadsTo)
        }
    }

    private func follows(owner: UInt32, leadsTo: UInt32) -> Bool {
        if owner == 0 || owner == leadsTo { return true }
        guard let rootOwner, let appUser else { return false }
        return owner == rootOwner && leadsTo == appUser
    }
}
