// SPDX-License-Identifier: MIT

/// The servers of a configuration and where they listen.
struct ServerRegistry {
    /// One `listen` of a server.
    struct Listening {
        let address: ListenAddress
        let place: SourceLocation
        var isDefault = false
        var backlog: Int?

        init(address: ListenAddress, place: SourceLocation) {
            self.address = address
            self.place = place
        }
    }

    private var servers: [ServerModel] = []
    private var listens: [FrontModel.Listen] = []
    private var firstPlaces: [ListenAddress: SourceLocation] = [:]
    private var defaults: [ListenAddress: (server: ServerModel, place: SourceLocation)] = [:]
    private var problems: [Diagnostic] = []

    mutating func add(names: [String], listens listenings: [Listening], mounts: [ServerModel.Mount]) {
        var own: [ListenAddress] = []
        for listening in listenings {
            guard !own.contains(listening.address) else {
                problems.append(listening.place.error("listen \(listening.address) is given twice in this server"))
                continue
            }
            own.append(listening.address)
        }
        let server = ServerModel(names: names, listens: own, mounts: mounts)
        for listening in listenings {
            note(listening)
            noteNames(of: server, on: listening)
            guard listening.isDefault else { continue }
            if let other = defaults[listening.address] {
                let place = "\(other.place.file):\(other.place.line)"
                let text = "\(listening.address) has a default server already, at \(place)"
                problems.append(listening.place.error(text))
            } else {
                defaults[listening.address] = (server, listening.place)
            }
        }
        servers.append(server)
    }

    /// What is wrong between servers.
    func conflicts() -> [Diagnostic] {
        problems
            + listens.flatMap { listen in
                listens.filter { listen.address.covers($0.address) }
                    .compactMap { other in
                        firstPlaces[other.address]?
                            .error("listen \(other.address): \(listen.address) takes these connections as well")
                    }
            }
    }

    func model(apps: [FrontApp]) -> FrontModel {
        FrontModel(listens: listens, servers: servers, defaultServers: defaults.mapValues(\.server), apps: apps)
    }

    private mutating func note(_ listening: Listening) {
        if let index = listens.firstIndex(where: { $0.address == listening.address }) {
            if listens[index].backlog == nil { listens[index].backlog = listening.backlog }
        } else {
            listens.append(FrontModel.Listen(address: listening.address, backlog: listening.backlog))
            firstPlaces[listening.address] = listening.place
        }
    }

    private mutating func noteNames(of server: ServerModel, on listening: Listening) {
        let taken = Set(servers.filter { $0.listens.contains(listening.address) }.flatMap(\.names))
        for name in server.names where taken.contains(name) {
            let text = "server name \"\(name)\" on \(listening.address) is taken by an earlier server"
            problems.append(listening.place.warning(text))
        }
    }
}
