// SPDX-License-Identifier: MIT

/// Groups that somebody without authority has pushed, and what such a tenant may take of the pool: a share of its places,
/// and starts only behind everybody else.
///
/// A tenant can make up thousands of groups. Without this, their requests would be before those of others in every
/// queue, and their processes everywhere in the pool.
extension PoolLimits {
    /// Places that all groups of a tenant may have together.
    package var tenantShare: Int { max(1, self.maxPoolSize / 2) }
}

/// What tenants have of the pool at one moment.
struct TenantUse {
    private var places: [UInt32: Int] = [:]
    private var withIdle: Set<UInt32> = []

    init(_ groups: [Group]) {
        for group in groups {
            guard let tenant = group.tenant, group.usage > 0 else { continue }
            self.places[tenant, default: 0] += group.usage
            if group.longestIdle != nil { self.withIdle.insert(tenant) }
        }
    }

    func places(of tenant: UInt32) -> Int { self.places[tenant] ?? 0 }

    /// Whether one more process of a tenant has a place in its share, or could take that of an idle one of its own.
    func allows(_ tenant: UInt32, _ need: Group.Need, share: Int) -> Bool {
        self.places(of: tenant) < share || (need.isStarving && self.withIdle.contains(tenant))
    }
}

extension Pool {
    /// Where a tenant's share is used up, an idle process of its own gives way to the group that starves.
    mutating func makeRoomInShare(for index: Int, at now: Instant, orders: inout Orders) {
        guard let tenant = self.groups[index].tenant else { return }
        while TenantUse(self.groups).places(of: tenant) >= self.limits.tenantShare {
            guard let idle = self.longestIdle(where: { $0.tenant == tenant }) else { return }
            self.detach(idle.process, of: idle.group, at: now, orders: &orders)
        }
    }

    /// Whether a group that needs a process may have one as far as its tenant's share is concerned; for the invariants.
    func shareAllows(_ group: Group, _ need: Group.Need) -> Bool {
        guard let tenant = group.tenant else { return true }
        return TenantUse(self.groups).allows(tenant, need, share: self.limits.tenantShare)
    }
}
