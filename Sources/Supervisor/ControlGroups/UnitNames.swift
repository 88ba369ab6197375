// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem

/// Names of units that systemd makes for one daemon; each "-" of a slice is one level of the tree.
struct UnitNames {
    private static let product = "flyingpassenger"

    /// Letters and digits only, as the name of an instance is.
    let instance: String

    var instanceSlice: String { "\(Self.product)-\(self.instance).slice" }

    /// `app` is a hash.
    func slice(ofApp app: String) -> String { "\(Self.product)-\(self.instance)-\(app).slice" }

    func newScope() -> String { "\(Self.product)-\(self.instance)-\(RandomBytes.hexadecimal(8)).scope" }

    /// Those of apps that systemd has at the moment.
    var appSlices: [String] {
        let names = self.instanceGroup?.children.compactMap(\.path.pathComponents.last) ?? []
        return names.filter { $0.hasPrefix("\(Self.product)-\(self.instance)-") && $0.hasSuffix(".slice") }
    }

    /// The directory of all slices of the daemon; nil when it has none.
    var instanceGroup: ControlGroup? {
        let group = ControlGroupPlace.root()?.child("\(Self.product).slice").child(self.instanceSlice)
        return group?.exists == true ? group : nil
    }
}
