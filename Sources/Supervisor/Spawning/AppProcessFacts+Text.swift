// SPDX-License-Identifier: MIT

import AppSettings
import SpawnPlan
import WireProtocol

/// Lines `NAME VALUE` in any order, after one that names the format. Names that are not known are those of newer daemons.
extension AppProcessFacts {
    private static let format = "flying-passenger-process 1"
    private static let maxLineBytes = 64 * 1024

    package var text: String {
        var lines = [
            Self.format, "id \(id.rawValue)", "pid \(pid)", "start \(startTime)", "generation \(generation)",
            "type \(appType.rawValue)", "uid \(uid)", "gid \(gid)", "user \(ControlText.escape(userName))",
            "group \(ControlText.escape(group.name))", "socket \(ControlText.escape(socketPath))",
        ]
        if let tenant = group.tenant { lines.append("tenant \(tenant)") }
        if let leaf { lines.append("leaf \(ControlText.escape(leaf))") }
        if let service {
            lines.append("transport \(service.transport.rawValue)")
            lines.append("concurrency \(service.concurrency)")
            switch service.address {
            case .unix(let path): lines.append("unix \(ControlText.escape(path))")
            case .tcp(let host, let port, let owner):
                lines.append("port \(port)")
                lines.append("host \(ControlText.escape(host))")
                lines.append("owner \(owner)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Nil when it is not what ``text`` says of a process.
    package init?(text: some Collection<UInt8>) {
        guard let fields = Self.fields(text), let id = fields.number("id", UInt64.self),
            let pid = fields.number("pid", Int32.self), pid > 1, let startTime = fields.number("start", UInt64.self),
            let generation = fields.number("generation", UInt32.self),
            let appType = fields.values["type"].flatMap(AppType.init(rawValue:)),
            let uid = fields.number("uid", UInt32.self), let gid = fields.number("gid", UInt32.self),
            let userName = fields.values["user"], let name = fields.values["group"],
            let socketPath = fields.values["socket"]
        else { return nil }
        var namespace = GroupKey.Namespace.authority
        if fields.values["tenant"] != nil {
            guard let tenant = fields.number("tenant", UInt32.self) else { return nil }
            namespace = .uid(tenant)
        }
        var service: Service?
        if fields.values["transport"] != nil {
            guard let whole = Service(fields) else { return nil }
            service = whole
        }
        self.init(
            id: ProcessID(rawValue: id),
            pid: pid,
            startTime: startTime,
            group: GroupKey(namespace: namespace, name: name),
            generation: generation,
            appType: appType,
            uid: uid,
            gid: gid,
            userName: userName,
            socketPath: socketPath,
            leaf: fields.values["leaf"],
            service: service
        )
    }

    private static func fields(_ text: some Collection<UInt8>) -> Fields? {
        var lines = LineSplitter(limit: maxLineBytes)
        lines.append(text)
        guard let first = lines.next(), first.elementsEqual(format.utf8) else { return nil }
        var fields = Fields()
        while let line = lines.next() {
            let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            let value = ControlText.unescape(String(decoding: parts[1], as: UTF8.self))
            guard fields.values.updateValue(value, forKey: String(decoding: parts[0], as: UTF8.self)) == nil else {
                return nil
            }
        }
        // A line without an end was cut.
        return lines.takeRest().isEmpty ? fields : nil
    }

    fileprivate struct Fields {
        var values: [String: String] = [:]

        func number<Number: FixedWidthInteger>(_ name: String, _: Number.Type) -> Number? {
            values[name].flatMap { Number($0) }
        }
    }
}

extension AppProcessFacts.Service {
    fileprivate init?(_ fields: AppProcessFacts.Fields) {
        guard let transport = fields.number("transport", UInt8.self).flatMap(AppTransportKind.init(rawValue:)),
            let concurrency = fields.number("concurrency", Int.self), concurrency >= 0
        else { return nil }
        if let path = fields.values["unix"] {
            self.init(transport: transport, address: .unix(path: path), concurrency: concurrency)
        } else if let host = fields.values["host"], let port = fields.number("port", UInt16.self),
            let owner = fields.number("owner", UInt32.self)
        {
            let address = AppAddress.tcp(host: host, port: port, owner: owner)
            self.init(transport: transport, address: address, concurrency: concurrency)
        } else {
            return nil
        }
    }
}
