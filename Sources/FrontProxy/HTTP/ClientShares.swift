// SPDX-License-Identifier: MIT

import FairShare
import FrontConfiguration
import LinuxSystem
import Synchronization

/// What a worker keeps for clients that are slower than others: requests that are not complete, answers that wait to be taken.
///
/// Each connection has limits of its own; of all together there is only so much, shared max-min by the addresses of the clients.
/// Who is above an equal share gets no more once all of it is in use. Who is below goes on, so that the bound holds but for what
/// is granted then, which all together is no more than the bound again. Shared by all event loops.
final class ClientShares: Sendable {
    enum Place: Sendable {
        case memory
        case files
    }

    struct Limits: Sendable {
        var memory = 64 << 20
        /// Of temporary files: no bound but that of the disk.
        var files = Int.max >> 16

        init() {}

        /// Three quarters of what is free there now, so that others who write there have some of it left.
        init(temporaryDirectory: String) {
            guard let free = try? Files.freeBytes(at: temporaryDirectory) else { return }
            files = max(Self.leastFiles, Int(clamping: free / 4 * 3))
        }

        /// Of a disk that is full: it may have room later.
        private static let leastFiles = 64 << 20
    }

    /// Memory is worth being given back to the system when this much of it was in use and little is left of that.
    private static let muchMemory = 16 << 20

    private struct Budgets {
        var memory: Budget<IPNetwork>
        var files: Budget<IPNetwork>
        /// The most memory that was in use since it was last given back.
        var peak = 0
    }

    private let budgets: Mutex<Budgets>
    /// Called, on any loop, when most of much memory is free again.
    private let eased: @Sendable () -> Void

    init(_ limits: Limits = Limits(), eased: @escaping @Sendable () -> Void = {}) {
        budgets = Mutex(
            Budgets(
                memory: Budget(.init(total: limits.memory, each: limits.memory)),
                files: Budget(.init(total: limits.files, each: limits.files))
            )
        )
        self.eased = eased
    }

    /// Nothing yet, for a client with this numeric address.
    ///
    /// `free`: bytes that are not counted, because each connection may have as many.
    func share(of address: String, in place: Place, free: Int = 16 * 1024) -> ClientShare {
        ClientShare(of: self, client: IPNetwork(ofClient: address), place: place, free: free)
    }

    /// What all clients have.
    func used(in place: Place) -> Int {
        budgets.withLock { budgets in
            switch place {
            case .memory: budgets.memory.used
            case .files: budgets.files.used
            }
        }
    }

    fileprivate func take(_ bytes: Int, by client: IPNetwork, in place: Place) -> Bool {
        budgets.withLock { budgets in
            switch place {
            case .files: return budgets.files.take(bytes, by: client).isGranted
            case .memory:
                let isGranted = budgets.memory.take(bytes, by: client).isGranted
                budgets.peak = max(budgets.peak, budgets.memory.used)
                return isGranted
            }
        }
    }

    fileprivate func giveBack(_ bytes: Int, by client: IPNetwork, in place: Place) {
        let isEased = budgets.withLock { budgets in
            switch place {
            case .files: budgets.files.giveBack(bytes, by: client)
            case .memory: budgets.memory.giveBack(bytes, by: client)
            }
            guard budgets.peak >= Self.muchMemory, budgets.memory.used <= budgets.peak / 8 else { return false }
            budgets.peak = 0
            return true
        }
        if isEased { eased() }
    }
}

/// What is kept of one request or answer in one place; given back when nobody holds this any more.
///
/// Confined to an event loop.
final class ClientShare {
    /// Counted at a time.
    private static let step = 16 * 1024

    private let shares: ClientShares
    private let client: IPNetwork
    private let place: ClientShares.Place
    private let free: Int
    private var counted = 0

    fileprivate init(of shares: ClientShares, client: IPNetwork, place: ClientShares.Place, free: Int) {
        self.shares = shares
        self.client = client
        self.place = place
        self.free = free
    }

    deinit {
        if counted > 0 { shares.giveBack(counted, by: client, in: place) }
    }

    /// So much is kept from now on; false if it would be more than the client's share: then as much counts as before.
    func resize(to bytes: Int) -> Bool {
        let wanted = bytes <= free ? 0 : (bytes + Self.step - 1) / Self.step * Self.step
        if wanted > counted {
            guard shares.take(wanted - counted, by: client, in: place) else { return false }
        } else if wanted < counted {
            shares.giveBack(counted - wanted, by: client, in: place)
        }
        counted = wanted
        return true
    }
}
