// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan

/// The descriptors that a core finds, besides the standard streams.
enum CoreDescriptor {
    /// The socket for fronts, listening.
    static let listener: Int32 = 3
    /// Written at its start and at its end: `CoreReport`.
    static let report: Int32 = 4
    /// Never written; its end of file means that the watchdog is gone.
    static let life: Int32 = 5
    /// The `WorkBoard` on which its threads note their work.
    static let board: Int32 = 6
}

/// A line that a core writes when it serves, or cannot, and when all its work is done.
enum CoreReport: Equatable, Sendable {
    case ready
    case failed(String)
    /// Nothing is left to do but to exit, which a thread that hangs in the kernel may prevent.
    case done

    var line: String {
        switch self {
        case .ready: "READY\n"
        case .done: "DONE\n"
        case .failed(let reason): "FAILED " + reason.map { $0.isNewline ? " " : String($0) }.joined() + "\n"
        }
    }

    /// nil as long as the line is not complete.
    init?(_ bytes: [UInt8]) {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = String(decoding: bytes[..<end], as: UTF8.self)
        switch line {
        case "READY": self = .ready
        case "DONE": self = .done
        default: self = .failed(line.hasPrefix("FAILED ") ? String(line.dropFirst(7)) : line)
        }
    }
}

/// A core that was started, seen from the watchdog.
final class CoreProcess {
    let handle: ProcessHandle
    /// Dropping it tells the core that the watchdog is gone.
    private let life: Descriptor
    private let report: Descriptor
    private var reportBytes: [UInt8] = []
    private(set) var isReportClosed = false

    var pid: Int32 { self.handle.pid }
    /// For poll: readable when the core has ended.
    var endDescriptor: Int32 { self.handle.rawValue }
    /// For poll: readable when there is something to read with `readReport`.
    var reportDescriptor: Int32 { self.report.rawValue }

    private init(handle: ProcessHandle, life: consuming Descriptor, report: consuming Descriptor) {
        self.handle = handle
        self.life = life
        self.report = report
    }

    /// Starts this very program once more, in a session of its own so that Ctrl-C on a terminal counts once.
    static func start(
        arguments: [String],
        directory: InstanceDirectory,
        listener: Int32,
        board: borrowing Descriptor,
        launcher: Launcher
    ) throws -> CoreProcess {
        let program = try Files.openForReading("/proc/self/exe")
        let null = try Descriptor.null()
        var life = try Pipe.make()
        var report = try Pipe.make()
        var plan = LaunchPlan(
            // By descriptor: the file may have been replaced by a newer version meanwhile.
            program: .open(program.rawValue),
            arguments: [CurrentProcess.arguments.first ?? "flying-passenger", "--core", directory.path] + arguments,
            environment: CurrentProcess.environment.filter { !self.hiddenVariables.contains($0.name) },
            descriptors: [
                .init(source: null.rawValue, target: 0),
                .init(source: listener, target: CoreDescriptor.listener),
                .init(source: report.writeEnd, target: CoreDescriptor.report),
                .init(source: life.readEnd, target: CoreDescriptor.life),
                .init(source: board.rawValue, target: CoreDescriptor.board),
            ]
        )
        plan.newSession = true
        let process = try launcher.launch(plan)
        guard let reader = report.takeReadEnd(), let writer = life.takeWriteEnd() else {
            throw SystemError(call: "pipe2", code: 0)
        }
        try reader.setNonBlocking()
        return CoreProcess(handle: process.handle, life: writer, report: reader)
    }

    /// These speak of the process that the supervisor started, which is the watchdog.
    private static let hiddenVariables: Set<String> = [
        "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
        EnvironmentPlan.instanceVariable,
    ]

    /// The next report; nil as long as there is none.
    ///
    /// After an end of file none will come.
    func readReport() -> CoreReport? {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            // A pipe that cannot be read says nothing more.
            switch (try? self.report.read(into: buffer)) ?? .endOfStream {
            case .bytes(let count): self.reportBytes += buffer.prefix(count)
            case .wouldBlock: return self.takeReport()
            case .endOfStream:
                self.isReportClosed = true
                return self.takeReport()
            }
        }
    }

    private func takeReport() -> CoreReport? {
        guard let report = CoreReport(self.reportBytes) else { return nil }
        self.reportBytes.removeSubrange(...(self.reportBytes.firstIndex(of: UInt8(ascii: "\n")) ?? 0))
        return report
    }
}
