// SPDX-License-Identifier: MIT

/// Media types of static files by the extension of their name.
package final class MIMETypes: Sendable {
    package let byExtension: [String: String]
    /// Of files whose extension is not known.
    package let defaultType: String

    package init(byExtension: [String: String], defaultType: String = MIMETypes.unknown) {
        self.byExtension = byExtension
        self.defaultType = defaultType
    }

    package static let unknown = "application/octet-stream"

    /// The type of a file by the text behind the last dot of its last component.
    package func type(ofPath path: String) -> String {
        let bytes = path.utf8
        guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")) else { return defaultType }
        let suffix = String(path[bytes.index(after: dot)...])
        guard !suffix.utf8.contains(UInt8(ascii: "/")) else { return defaultType }
        return byExtension[suffix] ?? byExtension[suffix.lowercased()] ?? defaultType
    }

    /// What is in force without a `types` block.
    package static let standard = MIMETypes(byExtension: [
        "avif": "image/avif", "bin": "application/octet-stream", "bmp": "image/bmp", "css": "text/css",
        "csv": "text/csv", "eot": "application/vnd.ms-fontobject", "gif": "image/gif", "gz": "application/gzip",
        "htm": "text/html", "html": "text/html", "ico": "image/x-icon", "ics": "text/calendar",
        "jpeg": "image/jpeg", "jpg": "image/jpeg", "js": "text/javascript", "json": "application/json",
        "jsonld": "application/ld+json", "m4a": "audio/mp4", "map": "application/json", "md": "text/markdown",
        "mjs": "text/javascript", "mov": "video/quicktime", "mp3": "audio/mpeg", "mp4": "video/mp4",
        "oga": "audio/ogg", "ogg": "audio/ogg", "ogv": "video/ogg", "otf": "font/otf", "pdf": "application/pdf",
        "png": "image/png", "rss": "application/rss+xml", "rtf": "application/rtf", "svg": "image/svg+xml",
        "svgz": "image/svg+xml", "tar": "application/x-tar", "tif": "image/tiff", "tiff": "image/tiff",
        "ttf": "font/ttf", "txt": "text/plain", "wasm": "application/wasm", "wav": "audio/wav",
        "weba": "audio/webm", "webm": "video/webm", "webmanifest": "application/manifest+json",
        "webp": "image/webp", "woff": "font/woff", "woff2": "font/woff2", "xhtml": "application/xhtml+xml",
        "xml": "text/xml", "yaml": "application/yaml", "yml": "application/yaml", "zip": "application/zip",
        "atom": "application/atom+xml",
    ])
}
