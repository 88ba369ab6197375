// SPDX-License-Identifier: MIT

import AppSettings

/// Directives as Apache spells them (`PassengerMinInstances`), whose users come from there.
enum ApacheSpelling {
    /// The name to use instead; nil if the word is nothing of Apache's that has a counterpart.
    static func nginxName(of word: String) -> String? {
        switch word.lowercased() {
        case "documentroot": return "root"
        case "servername", "serveralias": return "server_name"
        case "virtualhost", "<virtualhost": return "server"
        case "errorlog": return "error_log"
        case "customlog": return "access_log"
        case "railsbaseuri", "rackbaseuri": return "passenger_base_uri"
        case "railsautodetect", "rackautodetect": return "passenger_enabled"
        default: break
        }
        guard word.first?.isUppercase == true else { return nil }
        // Compared without underscores, so that `PassengerAppENV` and `PassengerPreloadBundler` are found alike.
        let folded = word.lowercased()
        for definition in SettingCatalog.all {
            let names = [definition.name] + definition.aliases
            if let name = names.first(where: { "passenger" + $0.filter { $0 != "_" } == folded }) {
                return "passenger_\(name)"
            }
            if let bare = definition.bareNames.first(where: { $0.filter { $0 != "_" } == folded }) { return bare }
        }
        return nil
    }
}
