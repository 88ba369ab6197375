// SPDX-License-Identifier: MIT

import LinuxSystem

/// The descriptors that the watchdog has given to the core.
struct CoreInheritance {
    let listener: TravellingDescriptor
    let report: CoreReporter
    let life: SharedDescriptor
    let board: SharedDescriptor

    /// nil when they are not there: nobody but the watchdog starts a core.
    static func take() -> CoreInheritance? {
        guard self.kind(CoreDescriptor.listener) == .socket, self.kind(CoreDescriptor.report) == .fifo,
            self.kind(CoreDescriptor.life) == .fifo, self.kind(CoreDescriptor.board) == .regular
        else { return nil }
        return CoreInheritance(
            listener: TravellingDescriptor(self.own(CoreDescriptor.listener)),
            report: CoreReporter(self.own(CoreDescriptor.report)),
            life: SharedDescriptor(self.own(CoreDescriptor.life)),
            board: SharedDescriptor(self.own(CoreDescriptor.board))
        )
    }

    private static func kind(_ number: Int32) -> FileStatus.Kind? {
        // A descriptor that is not open has no kind.
        (try? FileStatus(descriptor: number))?.kind
    }

    /// From now on apps do not inherit it.
    private static func own(_ number: Int32) -> Descriptor {
        let descriptor = Descriptor(owning: number)
        // Fails for descriptors that are not open only.
        try? descriptor.setCloseOnExec()
        return descriptor
    }
}

/// Tells the watchdog whether the core serves, and when it has nothing left to do.
final class CoreReporter {
    private var pipe: Descriptor?

    init(_ pipe: consuming Descriptor) {
        self.pipe = consume pipe
    }

    func write(_ report: CoreReport) {
        guard let pipe = self.pipe.take() else { return }
        // A watchdog that is gone is noticed by the end of file on the life pipe.
        try? pipe.writeAll(report.line)
        if report == .ready { self.pipe = consume pipe }
    }
}
