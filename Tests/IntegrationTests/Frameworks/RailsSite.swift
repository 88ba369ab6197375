// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport

/// A site with the Rails application of `scripts/make-app`, at the root of a host or below a prefix of it.
struct RailsSite {
    enum Place: CaseIterable {
        case root, belowPrefix
    }

    let site: Site
    /// What stands before every path of the application: "" or "/shop".
    let prefix: String
    /// The application's root directory.
    let directory: String

    /// Makes the application, which takes some seconds, and starts daemon and front.
    ///
    /// Action Cable has a group of its own with one process, as the documentation says.
    init(_ place: Place, settings: [String] = []) throws {
        prefix = place == .root ? "" : "/shop"
        site = try Site(apps: [])
        directory = site.root(of: "shop")
        let environment = ["PREFIX": prefix]
        try FrameworkSite.make("rails", at: directory, owner: Integration.owner(0), environment: environment)
        let cable =
            ["location \(prefix)/cable {"] + below(place) + ["passenger_app_group_name cable;"]
            + ["passenger_force_max_concurrent_requests_per_process 0;", "passenger_max_instances 1;", "}"]
        switch place {
        case .root: try site.add(.init("shop", from: nil, settings: settings + cable))
        case .belowPrefix:
            let location = ["location \(prefix) {"] + below(place) + settings + ["}"]
            // The host itself has an application of its own.
            try site.add(.init("main", from: "rack", owner: Integration.owner(1), settings: location + cable))
        }
        try site.writeConfiguration()
        try site.startDaemon()
        try site.startFront()
    }

    private func below(_ place: Place) -> [String] {
        let base = place == .root ? [] : ["alias \(directory)/public;", "passenger_base_uri \(prefix);"]
        return base + ["passenger_app_root \(directory);", "passenger_enabled on;"]
    }

    var host: String { prefix.isEmpty ? "shop.localhost" : "main.localhost" }

    func visitor() -> Visitor { Visitor(port: site.port, host: host) }

    /// What the application logged, for messages.
    func log() -> String {
        ((try? TestFile.text("\(directory)/log/production.log")) ?? "no log") + site.log().suffix(2000)
    }
}
