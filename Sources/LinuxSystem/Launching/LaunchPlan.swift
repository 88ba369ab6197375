// SPDX-License-Identifier: MIT

/// Everything that is to be true of a new process when its program starts, carried out by `flying-passenger-exec`.
///
/// Descriptors in it are numbers of the caller, who keeps them open until `launch` has returned. Standard streams that
/// have no entry in `descriptors` are inherited; every other descriptor without an entry is closed.
package struct LaunchPlan: Sendable {
    package enum Program: Hashable, Sendable {
        /// Executed with the rights of the new process; without a slash it is looked up in the `PATH` of `environment`.
        case path(String)
        /// An open program (`O_PATH` suffices), which the new user need not be able to reach. No interpreter scripts.
        case open(Int32)
        /// Opened by path before rights are dropped, otherwise like `open`.
        case openedBeforeDrop(path: String)
    }

    package enum WorkingDirectory: Hashable, Sendable {
        case unchanged
        case path(String)
        /// A directory that was examined before (see `ExaminedDirectory`).
        case examined(ExaminedDirectory)
    }

    /// A directory to work in that must still be what it was when its descriptor was opened.
    package struct ExaminedDirectory: Hashable, Sendable {
        /// Opened with `O_PATH`.
        package let descriptor: Int32
        /// The path it was configured by: walked as the new user first, so that a directory without access is named.
        package let walk: String
        /// Must still own the directory.
        package let expectedOwner: UInt32?
        /// Must still be the same file, and readable for the new user.
        package let startupFile: StartupFile?

        package init(descriptor: Int32, walk: String, expectedOwner: UInt32? = nil, startupFile: StartupFile? = nil) {
            self.descriptor = descriptor
            self.walk = walk
            self.expectedOwner = expectedOwner
            self.startupFile = startupFile
        }
    }

    /// A file relative to the working directory as it was seen without following links.
    package struct StartupFile: Hashable, Sendable {
        package let path: String
        package let device: UInt64
        package let inode: UInt64
        package let owner: UInt32

        package init(path: String, device: UInt64, inode: UInt64, owner: UInt32) {
            self.path = path
            self.device = device
            self.inode = inode
            self.owner = owner
        }

        package init(path: String, status: FileStatus) {
            self.init(path: path, device: status.device, inode: status.inode, owner: status.owner)
        }
    }

    /// A descriptor of the caller and the number under which the program finds it.
    package struct Placement: Hashable, Sendable {
        package let source: Int32
        package let target: Int32

        package init(source: Int32, target: Int32) {
            self.source = source
            self.target = target
        }
    }

    /// What becomes of the environment once the process is its user, in this order.
    package struct EnvironmentChanges: Hashable, Sendable {
        package enum Change: Hashable, Sendable {
            case set(name: String, value: String)
            case unset(name: String)
            /// Puts a directory behind those of a list with colons, unless it is in it.
            case append(name: String, value: String)
        }

        package struct Variable: Hashable, Sendable {
            package let name: String
            package let value: String

            package init(name: String, value: String) {
                self.name = name
                self.value = value
            }
        }

        /// Replaces the environment by the one that this shell has at a login; nil: none is asked.
        package var loginShell: String?
        package var changes: [Change] = []
        /// Lines of NAME=VALUE; relative to the working directory.
        package var file: String?
        package var overrides: [Variable] = []

        package init() {}
    }

    package var program: Program
    /// The whole argument vector, `argv[0]` included.
    package var arguments: [String]
    /// The whole environment, or what it begins with when there are `environmentChanges`.
    package var environment: [(name: String, value: String)]
    package var environmentChanges = EnvironmentChanges()
    /// The records of the launch tell the final environment.
    package var reportsEnvironment = false
    /// Puts the PID of the new process into the variable `LISTEN_PID` (sd_listen_fds(3)).
    package var setsListenPID = false
    /// Never root's; `nil` keeps the ids of the caller.
    package var identity: UserIdentity?
    package var workingDirectory: WorkingDirectory = .unchanged
    package var descriptors: [Placement] = []
    package var limits: [Limits.Resource: Limits.Limit] = [:]
    /// `nil` keeps the caller's.
    package var umask: UInt32?
    /// Session and process group of its own, whose id is the PID.
    package var newSession = true
    package var noNewPrivileges = false
    /// The process does nothing before a byte can be read from here; an end of file ends it.
    package var gate: Int32?
    /// What ``ControlGroup/openForEntering()`` gave: the process enters that group before anything of the program runs.
    package var controlGroup: Int32?
    /// How much of the processors it gets beside others (setpriority(2)); `nil` keeps the caller's.
    ///
    /// Less than the caller has, or it has no effect without rights.
    package var niceness: Int32?
    /// The same of its session beside others (sched(7), autogroup); `nil` keeps what a new session has, which is 0.
    package var autogroupNiceness: Int32?
    /// `nil` keeps the caller's.
    package var oomScoreAdjustment: Int32?

    package init(
        program: Program,
        arguments: [String],
        environment: [(name: String, value: String)] = [],
        identity: UserIdentity? = nil,
        workingDirectory: WorkingDirectory = .unchanged,
        descriptors: [Placement] = [],
        umask: UInt32? = nil
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.identity = identity
        self.workingDirectory = workingDirectory
        self.descriptors = descriptors
        self.umask = umask
    }
}
