// SPDX-License-Identifier: MIT

import FoundationEssentials

extension FailureReport {
    /// nil if the bytes are no report.
    package init?(json: some Sequence<UInt8>) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json))
        } catch {
            return nil
        }
    }

    /// At most `limit` bytes: what the app wrote is shortened first, then what can be looked up elsewhere.
    ///
    /// nil only if not even a report without all that fits.
    package func json(limit: Int = WireLimits.reportBytes) -> [UInt8]? {
        var report = self
        while true {
            guard let bytes = report.encoded() else { return nil }
            if bytes.count <= limit { return bytes }
            guard report.shorten() else { return nil }
        }
    }

    /// Nothing in a report is beyond JSON; nil means a defect here.
    private func encoded() -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { [UInt8]($0) }
    }

    /// Removes the half of whatever is of least use among what is left; false if there is nothing more to remove.
    ///
    /// A byte may take six in JSON, and how many do is not known before.
    private mutating func shorten() -> Bool {
        let small = 1024
        if self.output.utf8.count > 4 * small || self.output.utf8.count > small && self.detail.utf8.count <= small {
            self.output = self.output.clampedTail(toUTF8: self.output.utf8.count / 2)
        } else if self.detail.utf8.count > small {
            self.detail = self.detail.clamped(toUTF8: self.detail.utf8.count / 2)
        } else if !self.variables.isEmpty {
            self.variables.removeLast((self.variables.count + 1) / 2)
        } else if self.summary.utf8.count > small {
            self.summary = self.summary.clamped(toUTF8: self.summary.utf8.count / 2)
        } else if !self.app.command.isEmpty {
            self.app.command = []
        } else if !(self.output.isEmpty && self.detail.isEmpty) {
            self.output = ""
            self.detail = ""
        } else {
            return false
        }
        return true
    }
}
