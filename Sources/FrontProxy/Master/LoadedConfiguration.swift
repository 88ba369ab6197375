// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem

/// A configuration as the master read it, with what a worker needs to read it again.
struct LoadedConfiguration: Sendable {
    let source: ConfigurationSource
    let snapshot: ConfigurationSnapshot
    let model: FrontModel
    let warnings: [Diagnostic]

    init(_ source: ConfigurationSource, files: any ConfigurationFiles = DiskFiles()) throws(ConfigurationError) {
        let recorder = RecordingFiles(files)
        let configuration = try source.read(recorder)
        self.source = source
        snapshot = recorder.snapshot
        model = configuration.model
        warnings = configuration.warnings
    }
}
