// SPDX-License-Identifier: MIT

package import ShownText

/// All that is known about a start that failed, or about processes that end again and again: what the friendly page of
/// the front, the details file and the log are made of.
///
/// Everything in it may come from the application: text to be escaped, never a path to be opened. Secrets are masked
/// and sizes bounded by whoever makes it.
package struct FailureReport: Hashable, Sendable, Codable {
    /// 8 hexadecimal digits.
    package var errorID: String
    /// Microseconds since 1970.
    package var time: Int64
    /// Whose fault it is: the raw value of a category, such as "file-system".
    package var category: String
    /// What kind of failure it is, such as "missing-gem".
    package var kind: String
    /// A headline for that kind: "A gem is missing".
    package var title: String
    /// One sentence: what failed, on what, why.
    package var summary: String
    /// What this kind of failure means, for somebody who meets it for the first time; may be empty.
    package var explanation = ""
    /// What to do about it, most likely remedy first; commands can be copied as they are.
    package var remedies: [Remedy] = []
    /// More lines about the cause, such as an exception with its backtrace; may be empty.
    package var detail = ""
    /// The tail of stdout and stderr; may be empty.
    package var output = ""
    /// The step that failed, such as "load-app"; empty if it was none.
    package var failedStep = ""
    package var steps: [Step] = []
    package var app: App
    /// Nil when the failure came before the user was decided.
    package var user: User?
    /// The environment of the process, as far as it got, secrets masked.
    package var variables: [Entry] = []
    /// Resource limits of the process: "open files", "1024 (at most 4096)".
    package var limits: [Entry] = []
    /// Load and memory of the machine when it failed.
    package var machine: [Entry] = []

    package struct Step: Hashable, Sendable, Codable {
        package var name: String
        /// "not started", "in progress", "done", "failed".
        package var state: String
        /// Nil for steps that did not begin.
        package var microseconds: Int64?

        package init(name: String, state: String, microseconds: Int64?) {
            self.name = name
            self.state = state
            self.microseconds = microseconds
        }
    }

    package struct App: Hashable, Sendable, Codable {
        package var groupName: String
        package var root: String
        /// Empty when none was found.
        package var startupFile: String
        /// Such as "rack"; empty when it was not detected.
        package var type: String
        /// Such as "production".
        package var environment: String
        package var baseURI: String
        /// What was, or would have been, executed; empty when that was not decided yet.
        package var command: [String]

        package init(
            groupName: String,
            root: String,
            startupFile: String,
            type: String,
            environment: String,
            baseURI: String,
            command: [String]
        ) {
            self.groupName = groupName
            self.root = root
            self.startupFile = startupFile
            self.type = type
            self.environment = environment
            self.baseURI = baseURI
            self.command = command
        }
    }

    package struct User: Hashable, Sendable, Codable {
        package var name: String
        package var uid: UInt32
        /// "joe (1000)", the primary one first.
        package var groups: [String]
        package var home: String
        /// "runs as joe because joe owns config.ru".
        package var reason: String

        package init(name: String, uid: UInt32, groups: [String], home: String, reason: String) {
            self.name = name
            self.uid = uid
            self.groups = groups
            self.home = home
            self.reason = reason
        }
    }

    package struct Entry: Hashable, Sendable, Codable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The rest is as declared above, or as `fill` sets it.
    package init(
        errorID: String,
        time: Int64,
        category: String,
        kind: String,
        title: String,
        summary: String,
        app: App,
        _ fill: (inout Self) -> Void = { _ in }
    ) {
        self.errorID = errorID
        self.time = time
        self.category = category
        self.kind = kind
        self.title = title
        self.summary = summary
        self.app = app
        fill(&self)
    }
}
