// SPDX-License-Identifier: MIT

package import Logging

/// Renders the events of swift-log as lines of a `LogOutput`.
package struct ProgramLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let output: LogOutput

    package init(output: LogOutput, logLevel: Logger.Level) {
        self.output = output
        self.logLevel = logLevel
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var merged = self.metadata
        if let provided = self.metadataProvider?.get() { merged.merge(provided) { $1 } }
        if let own = event.metadata { merged.merge(own) { $1 } }
        if let error = event.error { merged["error"] = "\(error)" }
        self.output.write(
            severity: Severity(event.level),
            priority: JournalPriority(event.level),
            message: event.message.description,
            metadata: merged,
            // What somebody asked for by --log-level is written whatever it is.
            isLimited: event.level >= .info
        )
    }
}
