// SPDX-License-Identifier: MIT

import LinuxSystem

/// The descriptors of an app process (DESIGN §4), both ends, until it has been launched.
///
///     0 /dev/null    1, 2 output pipe    3 listening socket    4 control (not for programs without a loader)
///
/// Of a preloader 3 is /dev/null: no file of the app may get the number that its workers need.
struct AppChannels: ~Copyable {
    /// Empty if nothing listens.
    let socketPath: String
    let listener: SharedDescriptor
    let output: SharedDescriptor
    let control: SharedDescriptor?
    private var childEnds: DescriptorList
    let placements: [LaunchPlan.Placement]
    /// What a preloader is given for a process that it forks: descriptors 3, 4, and 1 with 2.
    let handedOver: [Int32]

    /// `socketDirectory`: nil for a process that does not serve; `outputOwner`: the app's user, who may then open its output by name (`/dev/stderr`, `/dev/stdout`) as well.
    init(
        socketDirectory: String?,
        backlog: Int32,
        hasControl: Bool,
        outputOwner: UserIdentity?
    ) throws(SystemError) {
        let socketPath = socketDirectory.map { "\($0)/\(RandomBytes.hexadecimal(8)).sock" } ?? ""
        let null = try Descriptor.null()
        var pipe = try Pipe.make()
        var pair = try SocketPair.make()
        guard let read = pipe.takeReadEnd(), let write = pipe.takeWriteEnd(), let ours = pair.takeFirst(),
            let theirs = pair.takeSecond()
        else { throw SystemError(call: "pipe2", code: 0, subject: nil) }
        try read.setNonBlocking()
        if let outputOwner { try write.setOwner(outputOwner.uid, group: outputOwner.gid) }
        try ours.setNonBlocking()
        DescriptorPassing.refuse(on: ours.rawValue)
        // Last, because a failure after it would leave the file behind.
        let listener = SharedDescriptor(
            socketPath.isEmpty
                ? try Descriptor.null()
                : try UnixListener.bind(path: socketPath, mode: 0o600, backlog: backlog).takeDescriptor()
        )
        var placements = [
            LaunchPlan.Placement(source: null.rawValue, target: 0),
            LaunchPlan.Placement(source: write.rawValue, target: 1),
            LaunchPlan.Placement(source: write.rawValue, target: 2),
            LaunchPlan.Placement(source: listener.rawValue, target: 3),
        ]
        if hasControl { placements.append(LaunchPlan.Placement(source: theirs.rawValue, target: 4)) }
        self.handedOver = [listener.rawValue, theirs.rawValue, write.rawValue]
        var childEnds = DescriptorList()
        childEnds.append(null)
        childEnds.append(write)
        childEnds.append(theirs)
        self.childEnds = childEnds
        self.socketPath = socketPath
        self.listener = listener
        self.output = SharedDescriptor(read)
        self.control = hasControl ? SharedDescriptor(ours) : nil
        self.placements = placements
    }

    /// The process has its own by now; as long as ours are open, no end of file comes.
    mutating func closeChildEnds() { self.childEnds = DescriptorList() }
}
