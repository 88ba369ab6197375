// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport

@testable import Supervisor

/// A listening socket that stands for an app: a test accepts on it, or lets threads echo.
final class EchoApp {
    let directory: TestDirectory
    let listener: UnixListener

    init(backlog: Int32 = 128) throws {
        self.directory = try TestDirectory()
        self.listener = try UnixListener.bind(path: self.directory.file("app"), mode: 0o600, backlog: backlog)
    }

    var address: AppAddress { .unix(path: self.directory.file("app")) }

    func accept() throws -> WireClient {
        guard try !Poll.wait(self.listener.rawValue, for: .readable, timeout: .seconds(20)).isEmpty else {
            throw WireClient.Silent()
        }
        return WireClient(try self.listener.accept().takeDescriptor())
    }

    /// Sends back what one connection says, until it ends.
    func echoOne() throws {
        let connection = SharedDescriptor(try self.listener.accept().takeDescriptor())
        _ = try OSThread.start(name: "echo") {
            // The test sees a failure as a missing byte.
            while let bytes = try? connection.descriptor.readSome(limit: 65_536), !bytes.isEmpty {
                guard (try? connection.descriptor.writeAll(bytes)) != nil else { return }
            }
        }
    }
}
