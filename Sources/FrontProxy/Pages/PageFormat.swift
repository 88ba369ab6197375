// SPDX-License-Identifier: MIT

/// In which form a page of the front is sent.
enum PageFormat: Hashable, CaseIterable {
    case html, json, text

    var contentType: StaticString {
        switch self {
        case .html: "text/html; charset=utf-8"
        case .json: "application/json"
        case .text: "text/plain; charset=utf-8"
        }
    }

    /// Headers that keep a browser from making anything else of the page than what it is.
    var protection: StaticString {
        switch self {
        case .html:
            """
            X-Content-Type-Options: nosniff\r
            Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
            form-action 'none'; frame-ancestors 'none'\r\n
            """
        case .json, .text: "X-Content-Type-Options: nosniff\r\n"
        }
    }

    /// The form that a client wants most.
    ///
    /// What it names itself comes before what it takes as well, HTML before JSON before text. A client that leaves the
    /// choice (`*/*`, as curl does, or no `Accept`) gets JSON if it sends JSON, else text. One that wants none of them
    /// gets text, as RFC 9110 §12.4.1 allows.
    static func choice(for accept: AcceptField, sendsJSON: Bool) -> PageFormat {
        func quality(_ format: PageFormat) -> (quality: Int, isNamed: Bool) {
            let preference =
                switch format {
                case .html: accept.preference(for: "text", "html")
                case .json: accept.preferenceForJSON
                case .text: accept.preference(for: "text", "plain")
                }
            return (preference.quality, preference.isNamed)
        }
        let best = Self.allCases.map { quality($0).quality }.max() ?? 0
        guard best > 0 else { return sendsJSON ? .json : .text }
        let candidates = Self.allCases.filter { quality($0).quality == best }
        if let named = candidates.first(where: { quality($0).isNamed }) { return named }
        if sendsJSON, candidates.contains(.json) { return .json }
        return candidates.contains(.text) ? .text : candidates[0]
    }
}

extension AcceptField {
    /// `application/json` and its dialects, such as `application/vnd.api+json`.
    fileprivate var preferenceForJSON: Preference {
        let plain = self.preference(for: "application", "json")
        guard !plain.isNamed || plain.quality == 0 else { return plain }
        let dialects = self.ranges.filter { $0.type == "application" && $0.subtype.hasSuffix("+json") }
        guard let quality = dialects.map(\.quality).max(), quality > 0 else { return plain }
        return Preference(quality: quality, isNamed: true)
    }

    /// Whether an HTML page is what a client wants, or as welcome as anything else.
    ///
    /// For pages that exist as HTML only.
    func welcomesHTML(sendsJSON: Bool) -> Bool {
        let html = self.preference(for: "text", "html")
        guard html.quality > 0 else { return false }
        let format = PageFormat.choice(for: self, sendsJSON: sendsJSON)
        if format == .html { return true }
        // Chosen only because nobody named anything.
        return format == .text && !self.preference(for: "text", "plain").isNamed
    }
}
