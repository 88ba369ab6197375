// SPDX-License-Identifier: MIT

import ShownText

/// `/nonexistent`, the home of `nobody` on many systems.
enum HomeTopic {
    static func find(in evidence: Evidence) -> DiagnosisFinding? {
        guard evidence.contains("/nonexistent") else { return nil }
        return .missingHome("/nonexistent")
    }

    static func remedies(_ home: String, _ scene: DiagnosisScene) -> [Remedy] {
        scene.remediesForUser(isSuspect: true) + [
            .init(
                "If the app shall run as \(scene.userName), whose home directory \(home) does not exist, give it another home "
                    + "in the front's configuration:",
                configuration: "passenger_env_var HOME \(scene.appRoot + "/tmp");"
            )
        ]
    }
}
