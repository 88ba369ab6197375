// SPDX-License-Identifier: MIT

package import AppSettings
package import WireProtocol

/// What is true of an app process as long as it lives, without any descriptor.
///
/// Everything that somebody needs who takes the process over: it can be written down and read again, see ``text``.
package struct AppProcessFacts: Hashable, Sendable {
    package let id: ProcessID
    package let pid: Int32
    /// In clock ticks since boot; together with the PID unique since boot.
    package let startTime: UInt64
    package let group: GroupKey
    /// The restart generation of its group when its spawn began.
    package let generation: UInt32
    package let appType: AppType
    package let uid: UInt32
    package let gid: UInt32
    package let userName: String
    /// Of its own socket, in a directory of the daemon's; an app may serve elsewhere.
    package let socketPath: String
    /// Path of the control group that holds it and what it starts, and nothing else; nil: there is none.
    package var leaf: String?
    /// Nil before it is ready.
    package var service: Service?

    /// How a process that is ready is talked to.
    package struct Service: Hashable, Sendable {
        package let transport: AppTransportKind
        package let address: AppAddress
        /// Requests at a time; 0 = no limit.
        package let concurrency: Int

        package init(transport: AppTransportKind, address: AppAddress, concurrency: Int) {
            self.transport = transport
            self.address = address
            self.concurrency = concurrency
        }
    }

    package init(
        id: ProcessID,
        pid: Int32,
        startTime: UInt64,
        group: GroupKey,
        generation: UInt32,
        appType: AppType,
        uid: UInt32,
        gid: UInt32,
        userName: String,
        socketPath: String,
        leaf: String? = nil,
        service: Service? = nil
    ) {
        self.id = id
        self.pid = pid
        self.startTime = startTime
        self.group = group
        self.generation = generation
        self.appType = appType
        self.uid = uid
        self.gid = gid
        self.userName = userName
        self.socketPath = socketPath
        self.leaf = leaf
        self.service = service
    }
}
