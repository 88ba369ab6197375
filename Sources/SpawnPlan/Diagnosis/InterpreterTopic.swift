// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// Interpreters that the app does not want.
enum InterpreterTopic {
    static func find(in evidence: Evidence) -> DiagnosisFinding? {
        if let text = evidence.text(after: "Your Ruby version is ", upTo: " (Bundler::RubyVersionMismatch)") {
            return .interpreterVersion("Ruby \(text)")
        }
        return nil
    }

    static func remedies(_ text: String, _ scene: DiagnosisScene) -> [Remedy] {
        let (setting, example) =
            switch scene.type {
            case .wsgi, .asgi: ("passenger_python", "/opt/python/bin/python3")
            case .node: ("passenger_nodejs", "/opt/node/bin/node")
            case .rack, .classicRails, .generic, nil: ("passenger_ruby", "/opt/ruby/bin/ruby")
            }
        return [
            .init(
                "Now the app runs with \(SafeText.name(scene.interpreter)). Name the interpreter that it needs in the front's configuration, "
                    + "for example:",
                configuration: "\(setting) \(example);"
            )
        ]
    }
}
