// SPDX-License-Identifier: MIT

/// A combination of what may decide about the user: settings, owner, and kind of the startup file.
struct MatrixRow: CustomStringConvertible {
    enum Owner: CaseIterable {
        case normal, root, unknown

        var uid: UInt32 { [.normal: OwnAccounts.joe.uid, .root: 0, .unknown: OwnAccounts.unknownUID][self] ?? 1 }
        var gid: UInt32 { [.normal: OwnAccounts.crew, .root: 0, .unknown: OwnAccounts.unknownGID][self] ?? 1 }
    }

    enum File: CaseIterable { case regular, link, hardLink }

    let user: String?
    let group: String?
    let owner: Owner
    let file: File
    let name: String

    static let all: [MatrixRow] = {
        var rows: [MatrixRow] = []
        for user in [nil, "mary", "nope", "root"] {
            for group in [nil, "club", "nope", "root", "!STARTUP_FILE!"] {
                for owner in Owner.allCases {
                    for file in File.allCases {
                        rows.append(
                            MatrixRow(user: user, group: group, owner: owner, file: file, name: "m\(rows.count)")
                        )
                    }
                }
            }
        }
        return rows
    }()

    var description: String { "user \(user ?? "-") group \(group ?? "-") owner \(owner) \(file)" }

    var expectedUser: OwnAccounts.User {
        switch (user, owner) {
        case ("mary", _): OwnAccounts.mary
        case (nil, .normal): OwnAccounts.joe
        default: OwnAccounts.nobody
        }
    }

    var expectedGroup: UInt32 {
        switch (group, owner) {
        case (nil, _): expectedUser.gid
        case ("club", _): OwnAccounts.club
        case ("!STARTUP_FILE!", .normal): OwnAccounts.crew
        default: OwnAccounts.nobody.gid
        }
    }

    var namesNobody: Bool { user == "nope" || group == "nope" }

    /// What the sentence must name, for those that must not start: the owner is to decide, and somebody else put the file there.
    var refusal: [String]? {
        if user == "nope" { return ["passenger_user is nope, which is not an account"] }
        if group == "nope" { return ["passenger_group is nope, which is not a group"] }
        guard user == nil, file == .hardLink else { return nil }
        let owner = [.normal: "joe", .root: "root", .unknown: "uid 7999"][owner] ?? ""
        return ["the app root (owner eve, mode 0755)", "owner of passenger_wsgi.py, \(owner)"]
    }

    /// Makes the application: an own file, a link to vic's file, or eve's directory with a hard link to the owner's.
    func script(in apps: String, probe: String) -> String {
        let root = "\(apps)/\(name)"
        let startup = "\(root)/passenger_wsgi.py"
        let ids = "\(owner.uid):\(owner.gid)"
        switch file {
        case .regular:
            return "mkdir -p \(root); cp \(probe) \(startup); chown \(ids) \(root) \(startup)"
        case .link:
            let target = "\(apps)/vic-\(name).py"
            return """
                mkdir -p \(root); cp \(probe) \(target); chown \(OwnAccounts.vic.uid):\(OwnAccounts.extra) \(target)
                ln -s \(target) \(startup); chown -h \(ids) \(root) \(startup)
                """
        case .hardLink:
            let target = "\(apps)/own-\(name).py"
            return """
                mkdir -p \(root); cp \(probe) \(target); chown \(ids) \(target)
                ln \(target) \(startup); chown \(OwnAccounts.eve.uid):\(OwnAccounts.eve.gid) \(root)
                """
        }
    }
}
