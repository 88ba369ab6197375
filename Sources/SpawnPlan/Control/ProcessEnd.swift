// SPDX-License-Identifier: MIT

package import ShownText

/// How a process came to its end.
package enum ProcessEnd: Hashable, Sendable {
    case exited(Int32)
    /// The name of the signal, such as "SIGKILL".
    case signaled(String, coreDumped: Bool)
    /// Somebody else collected it.
    case unknown
}

extension ProcessEnd: CustomStringConvertible {
    /// Completes "the process …".
    package var description: String {
        switch self {
        case .exited(let code): "ended with exit code \(code)"
        case .signaled(let name, coreDumped: false): "ended with signal \(name)"
        case .signaled(let name, coreDumped: true): "ended with signal \(name) (core dumped)"
        case .unknown: "ended with an unknown status"
        }
    }
}

extension ProcessEnd {
    package var kind: SpawnFailure.Kind {
        switch self {
        case .exited, .unknown: .earlyExit
        case .signaled: .killed
        }
    }

    package var remedies: [Remedy] {
        switch self {
        case .exited(127):
            ["Code 127 usually means that a command was not found: compare PATH in the environment of the process."]
        case .signaled("SIGKILL", _):
            // Whoever was short of memory, it is the kernel that ends a process so.
            MemoryTopic.remediesForKernel
        case .signaled("SIGSEGV", _), .signaled("SIGBUS", _), .signaled("SIGILL", _):
            ["Look for an extension (native gem, C module, add-on) built for another version of the interpreter."]
        case .exited, .signaled, .unknown: []
        }
    }

    /// Of a process that had been serving requests.
    var remediesInService: [Remedy] {
        switch self {
        case .exited(let code):
            [
                Remedy(
                    "The application ended itself with exit code \(code): look at what it printed last for an error that nothing "
                        + "caught, or for code that calls exit."
                )
            ]
        case .signaled("SIGTERM", _), .signaled("SIGINT", _), .signaled("SIGHUP", _), .signaled("SIGQUIT", _):
            ["Look who sends it this signal: a person, a script of the deployment, or the application itself."]
        case .signaled, .unknown: remedies
        }
    }
}
