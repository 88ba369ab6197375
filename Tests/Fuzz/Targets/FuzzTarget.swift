// SPDX-License-Identifier: MIT

/// What an input made wrong; the input itself is with whoever ran it.
package struct FuzzFinding: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// A reader of bytes that strangers send, with what must hold for whatever they are.
///
/// A trap is found by itself; beyond that each compares two ways that must agree: whole and in pieces, written and
/// read again.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case requestHead = "request-head"
    case responseHead = "response-head"
    case chunkedBody = "chunked-body"
    case sessionRequest = "session-request"
    case frontConfiguration = "front-configuration"
    case framesToDaemon = "frames-to-daemon"
    case framesToFront = "frames-to-front"
    case adminFrames = "admin-frames"
    case adminJSON = "admin-json"
    case sessionMachines = "session-machines"
    case handshake = "handshake"
    case launchRecords = "launch-records"
    case appOutput = "app-output"
    case environmentFile = "environment-file"
    case logLine = "log-line"
    case safeText = "safe-text"
    case statusText = "status-text"

    package func run(_ bytes: UnsafeRawBufferPointer) throws {
        switch self {
        case .requestHead: try HTTPTargets.requestHead(bytes)
        case .responseHead: try HTTPTargets.responseHead(bytes)
        case .chunkedBody: try HTTPTargets.chunkedBody(bytes)
        case .sessionRequest: try HTTPTargets.sessionRequest(bytes)
        case .frontConfiguration: try ConfigurationTargets.front(bytes)
        case .framesToDaemon: try WireTargets.framesToDaemon(bytes)
        case .framesToFront: try WireTargets.framesToFront(bytes)
        case .adminFrames: try WireTargets.adminFrames(bytes)
        case .adminJSON: try WireTargets.adminJSON(bytes)
        case .sessionMachines: try WireTargets.sessionMachines(bytes)
        case .handshake: try AppTargets.handshake(bytes)
        case .launchRecords: try AppTargets.launchRecords(bytes)
        case .appOutput: try AppTargets.output(bytes)
        case .environmentFile: try AppTargets.environmentFile(bytes)
        case .logLine: try TextTargets.logLine(bytes)
        case .safeText: try TextTargets.safeText(bytes)
        case .statusText: try TextTargets.status(bytes)
        }
    }
}

/// Ends the run of an input when two ways of reading it differ.
func require(_ condition: Bool, _ finding: @autoclosure () -> String) throws(FuzzFinding) {
    if !condition { throw FuzzFinding(finding()) }
}

extension UnsafeRawBufferPointer {
    /// The input in two parts, at a place that its first byte decides.
    ///
    /// A search that is guided by coverage can move the cut, and the same file always has the same one.
    var parts: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) {
        guard let first = self.first else { return (self, self) }
        let cut = self.count * Int(first) / 256
        return (UnsafeRawBufferPointer(rebasing: self[..<cut]), UnsafeRawBufferPointer(rebasing: self[cut...]))
    }
}
