// SPDX-License-Identifier: MIT

package import AppSettings

/// What is executed for an app of each type, and how it is talked to.
package struct LoaderProgram: Hashable, Sendable {
    package enum Transport: Hashable, Sendable {
        /// CGI variables in, HTTP out, over the app's Unix socket.
        case session
        /// HTTP/1.1 with kept connections.
        case http
        /// HTTP/1.1, one connection per request.
        case httpOneShot
    }

    /// What a process is for.
    package enum Role: Hashable, Sendable {
        /// It serves requests.
        case worker
        /// It loads the app and forks processes that serve.
        case preloader
    }

    /// How the daemon learns that the process serves.
    package enum Readiness: Hashable, Sendable {
        /// The loader says so on its control channel.
        case handshake
        /// A port listens, or the inherited socket is accepted from.
        case listening
    }

    /// As configured: a name to be looked for in the search path, or a path.
    package let interpreter: String
    /// Behind the interpreter.
    package let arguments: [String]
    package let transport: Transport
    package let readiness: Readiness
    /// Requests at a time; 0 = no limit; nil = what the loader says.
    package let concurrency: Int?
    /// For `ps`; nil: the program keeps its own.
    package let title: String?
    /// What the process is for; `title` is that of one that serves.
    package var role: Role
    /// The setting that chose the interpreter, for remedies.
    package let interpreterSetting: String?
    /// Paths of the files that its setting names, relative ones to the app root; not what is found by the search path.
    package let files: [String]

    package init(_ type: AppType, settings: AppSettings, loaders: String, role: Role = .worker) {
        self.role = role
        let forced = settings.forceMaxConcurrentRequestsPerProcess
        switch type {
        case .rack, .classicRails:
            interpreter = settings.ruby
            arguments = ["\(loaders)/rack-loader.rb"]
            (transport, readiness, concurrency) = (.session, .handshake, nil)
            title = "Passenger RackApp: \(settings.appRoot)"
            interpreterSetting = "passenger_ruby"
        case .wsgi, .asgi:
            interpreter = settings.python
            let title = "Passenger \(type == .wsgi ? "Wsgi" : "Asgi")App: \(settings.appRoot)"
            // The title goes along as an argument to make room: Python can only overwrite its arguments.
            let shown = role == .worker ? title : Self.preloaderTitle(settings)
            arguments = ["\(loaders)/wsgi-loader.py", shown]
            (transport, readiness, concurrency) = (.session, .handshake, nil)
            self.title = title
            interpreterSetting = "passenger_python"
        case .node:
            interpreter = settings.nodejs
            arguments = ["\(loaders)/node-loader.js"]
            (transport, readiness, concurrency) = (.http, .handshake, forced >= 0 ? forced : nil)
            title = "Passenger NodeApp: \(settings.appRoot)"
            interpreterSetting = "passenger_nodejs"
        case .generic:
            interpreter = "/bin/sh"
            arguments = ["-c", ShellCommand.replacingShell(settings.appStartCommand ?? "false")]
            transport = settings.appKeepalive ? .http : .httpOneShot
            (readiness, concurrency) = (.listening, max(forced, 0))
            title = nil
            interpreterSetting = nil
        }
        files =
            switch type {
            case .generic: ShellCommand.files(in: settings.appStartCommand ?? "")
            case .rack, .classicRails, .wsgi, .asgi, .node: interpreter.contains("/") ? [interpreter] : []
            }
    }

    /// For `ps`, of a preloader.
    package static func preloaderTitle(_ settings: AppSettings) -> String {
        "Passenger AppPreloader: \(settings.appRoot)"
    }

    /// False: by its name, the interpreter runs on a virtual machine that cannot be forked.
    ///
    /// Others say so themselves once they run, which costs a start; that of these takes seconds.
    package var mayFork: Bool {
        let name = interpreter.utf8.split(separator: UInt8(ascii: "/")).last ?? interpreter.utf8[...]
        return !["jruby", "truffleruby"].contains { name.starts(with: $0.utf8) }
    }

    /// The setting that says what is run.
    package var setting: String { interpreterSetting ?? "passenger_app_start_command" }

    /// With `argv[0]` as typed: some interpreters find their home by it.
    package var argumentVector: [String] { [interpreter] + arguments }
}

/// What the daemon tells a loader over the control channel, before anything else happens.
package struct LoaderBriefing: Hashable, Sendable {
    package let lines: [(name: String, value: String)]

    package init(
        type: AppType,
        startupFile: String,
        title: String,
        settings: AppSettings,
        serverSoftware: String,
        rubyLibrary: String,
        role: LoaderProgram.Role = .worker
    ) {
        let preloading = [("mode", "preload"), ("preloader_title", LoaderProgram.preloaderTitle(settings))]
        lines =
            [
                ("app_type", type.rawValue),
                ("app_root", settings.appRoot),
                ("startup_file", startupFile),
                ("application", type == .asgi ? settings.startupFile ?? "" : ""),
                ("app_group_name", settings.groupName),
                ("app_env", settings.environment),
                ("base_uri", settings.baseURI),
                ("thread_count", String(settings.threadCount)),
                ("early_hints", settings.earlyHints ? "on" : "off"),
                ("title", title),
                ("server_software", serverSoftware),
                ("ruby_library", rubyLibrary),
            ] + (role == .preloader ? preloading : [])
    }

    /// One `NAME VALUE` line each, and `start` as the last.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for line in lines {
            bytes += line.name.utf8
            bytes.append(UInt8(ascii: " "))
            bytes += ControlText.escape(line.value).utf8
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes + Array("start\n".utf8)
    }

    package static func == (left: LoaderBriefing, right: LoaderBriefing) -> Bool { left.bytes == right.bytes }
    package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

/// Values on the control channel: one line each, with `\n` and `\\` for line feed and backslash.
package enum ControlText {
    package static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    package static func unescape(_ text: some StringProtocol) -> String {
        var result = ""
        var isEscaped = false
        for scalar in text.unicodeScalars {
            if isEscaped {
                result.unicodeScalars.append(scalar == "n" ? "\n" : scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
