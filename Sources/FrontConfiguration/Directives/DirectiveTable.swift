// SPDX-License-Identifier: MIT

import AppSettings

/// The directives of nginx that a front configuration may hold; those of Passenger are in `SettingCatalog`.
enum DirectiveTable {
    static func rule(for name: String) -> DirectiveRule? {
        handled[name] ?? ignored[name] ?? unsupported[name]
    }

    /// What a word that is no directive most likely stands for.
    static func suggestion(for word: String) -> String? {
        if let name = ApacheSpelling.nginxName(of: word) { return name }
        let passenger = SettingCatalog.all.flatMap { [$0.name] + $0.aliases }.map { "passenger_\($0)" }
        let bare = SettingCatalog.all.flatMap(\.bareNames)
        let nginx = Array(handled.keys) + Array(ignored.keys) + Array(unsupported.keys)
        return Spelling.nearest(to: word, among: nginx + passenger + bare)
    }

    /// Words that share a reason.
    struct WordGroup {
        let reason: String
        let words: [String]

        /// The words are separated by blanks or line feeds.
        init(_ reason: String, _ words: String) {
            self.reason = reason
            self.words = words.split { $0 == " " || $0 == "\n" }.map(String.init)
        }
    }

    static let handled: [String: DirectiveRule] = [
        "http": .init(.main, 0...0, hasBlock: true, mayRepeat: true),
        "events": .init(.main, 0...0, hasBlock: true),
        "user": .init(.main, 1...2),
        "pid": .init(.main, 1...1),
        "worker_processes": .init(.main, 1...1),
        "worker_rlimit_nofile": .init(.main, 1...1),
        "worker_connections": .init(.events, 1...1),
        "error_log": .init([.main, .http, .server, .location], 1...2),
        "server": .init(.http, 0...0, hasBlock: true, mayRepeat: true),
        "listen": .init(.server, 1...32, mayRepeat: true),
        "server_name": .init(.server, 1...1024, mayRepeat: true),
        "location": .init([.server, .location], 1...2, hasBlock: true, mayRepeat: true),
        "root": .init(.requests, 1...1),
        "alias": .init(.location, 1...1),
        "index": .init(.requests, 1...64),
        "return": .init([.server, .location], 1...2),
        "add_header": .init(.requests, 2...3, mayRepeat: true),
        "access_log": .init(.requests, 1...8),
        "client_max_body_size": .init(.requests, 1...1),
        "client_header_timeout": .init([.http, .server], 1...1),
        "client_body_timeout": .init(.requests, 1...1),
        "send_timeout": .init(.requests, 1...1),
        "keepalive_timeout": .init(.requests, 1...2),
        "types": .init(.requests, 0...0, hasBlock: true),
        "default_type": .init(.requests, 1...1),
        "set_real_ip_from": .init(.requests, 1...1, mayRepeat: true),
        "real_ip_header": .init(.requests, 1...1),
        "real_ip_recursive": .init(.requests, 1...1),
        "passenger_trusted_proxies": .init(.requests, 1...64, mayRepeat: true),
        "passenger_set_header": .init(.requests, 2...2, mayRepeat: true),
        "passenger_trusted_users": .init(.http, 1...64),
        "server_tokens": .init(.requests, 1...1),
    ]

    private static let ignored = rules(withoutEffect) { _, reason in .ignored(reason) }
    private static let unsupported = rules(refused) { word, reason in
        .unsupported(reason, harmless: harmlessArguments[word] ?? [])
    }

    /// One rule per word of the groups; contexts, arguments and blocks are not looked at.
    private static func rules(
        _ groups: [WordGroup],
        _ treatment: (_ word: String, _ reason: String) -> DirectiveRule.Treatment
    ) -> [String: DirectiveRule] {
        var rules: [String: DirectiveRule] = [:]
        for group in groups {
            for word in group.words {
                rules[word] = DirectiveRule(
                    .everywhere,
                    0...Int.max,
                    mayRepeat: true,
                    treatment: treatment(word, group.reason)
                )
            }
        }
        return rules
    }
}
