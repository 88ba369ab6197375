// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// Ports and sockets of somebody else.
enum PortTopic {
    static func find(in evidence: Evidence) -> DiagnosisFinding? {
        // Node, Python, Ruby.
        if let text = evidence.text(after: "EADDRINUSE: address already in use ") {
            return .portTaken(port: self.number(behind: ":", in: text))
        }
        guard evidence.contains("ddress already in use") else { return nil }
        let text = evidence.text(after: "ddress already in use")
        return .portTaken(
            port: text.flatMap { self.number(behind: " port ", in: $0) ?? self.number(behind: ", ", in: $0) }
        )
    }

    private static func number(behind mark: String, in text: String) -> String? {
        guard let range = text.ranges(of: mark).last else { return nil }
        let digits = text[range.upperBound...].prefix { $0.isASCII && $0.isNumber }
        return UInt16(digits).map(String.init)
    }

    static func remedies(_ port: String?, _ scene: DiagnosisScene) -> [Remedy] {
        let advice =
            switch scene.type {
            case .generic:
                "Let the app listen on the port that the environment variable PORT names, not on one of its own."
            case .node:
                "Let the app call listen once, for its web server only; which port it names does not matter here."
            case .rack, .classicRails, .wsgi, .asgi, nil:
                "The app opens a port of its own, which only one of its processes can have; it is served without that."
            }
        let sockets: ShellLine = port.map { "ss -ltnp \("sport = :\($0)")" } ?? "ss -ltnp"
        return [
            .init(advice),
            .init("See who has \(port.map { "port \($0)" } ?? "the port"):", shell: sockets),
        ]
    }
}
