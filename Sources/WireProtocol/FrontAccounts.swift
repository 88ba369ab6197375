// SPDX-License-Identifier: MIT

/// The accounts that workers of fronts run as unless flags say otherwise; daemon and front look them up in the same way.
package enum FrontAccounts {
    /// Best first: an account of the worker's own, that of web servers on Debian, and the one that every machine has.
    package static let names = ["flying-front", "www-data", "nobody"]

    /// For sentences: "flying-front, www-data or nobody".
    package static let listing = "flying-front, www-data or nobody"

    /// What `lookup` finds for each of the names that exist, best first.
    package static func existing<Account, Problem>(
        _ lookup: (String) throws(Problem) -> Account?
    ) throws(Problem) -> [Account] {
        var found: [Account] = []
        for name in names {
            if let account = try lookup(name) { found.append(account) }
        }
        return found
    }
}
