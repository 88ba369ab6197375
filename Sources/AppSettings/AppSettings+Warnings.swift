// SPDX-License-Identifier: MIT

extension AppSettings {
    /// What an app of this type cannot do although its settings ask for it.
    ///
    /// Only what somebody waits for in vain: settings for all apps of a front may have no effect on some of them.
    package func warnings(for type: AppType) -> [String] {
        let alternative: String
        switch type {
        case .rack, .classicRails: return []
        case .wsgi: alternative = "a WSGI process takes one request at a time; passenger_min_instances starts several"
        case .asgi, .node, .generic: alternative = "such a process takes any number of requests at a time"
        }
        guard threadCount > 1 else { return [] }
        return ["passenger_thread_count \(threadCount) has no effect on apps of type \(type.rawValue): \(alternative)"]
    }
}
