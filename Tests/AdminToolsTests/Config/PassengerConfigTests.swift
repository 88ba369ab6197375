// SPDX-License-Identifier: MIT

import ArgumentParser
import Testing
import WireProtocol

@testable import AdminTools

@Suite struct PassengerConfigTests {
    private func parse(_ arguments: String...) throws -> any ParsableCommand {
        try PassengerConfig.parseAsRoot(arguments)
    }

    @Test func `work is asked of a PID, of the daemon that the options name`() throws {
        let parsed = try self.parse("request-oob-work", "4711", "--instance", "Ab3dE5g")
        let command = try #require(parsed as? RequestOutOfBandWork)
        #expect(command.pid == 4711)
        #expect(command.instanceOptions.instance == "Ab3dE5g")
    }

    @Test(
        arguments: [
            ["request-oob-work"], ["request-oob-work", "0"], ["request-oob-work", "-1"], ["request-oob-work", "joe"],
            ["request-oob-work", "4294967297"], ["request-oob-work", "1", "2"], ["fly"], ["--frobnicate"],
        ]
    )
    func `wrong usage is refused with status 1`(arguments: [String]) {
        #expect(throws: (any Error).self) { try PassengerConfig.parseAsRoot(arguments) }
        #expect(PassengerConfig.main(arguments: arguments) == 1)
    }

    @Test(arguments: [[], ["--help"], ["help"], ["request-oob-work", "--help"], ["--version"]])
    func `help and version are no failures`(arguments: [String]) {
        #expect(PassengerConfig.main(arguments: arguments) == 0)
    }

    @Test func `help of the tool names each subcommand, and each subcommand has its own`() {
        let help = PassengerConfig.helpMessage()
        for subcommand in PassengerConfig.configuration.subcommands {
            let name = subcommand.configuration.commandName ?? ""
            #expect(!name.isEmpty && help.contains(name))
            #expect(subcommand is any Subcommand.Type)
            #expect(PassengerConfig.helpMessage(for: subcommand).contains("--socket-file"))
        }
    }

    @Test(
        arguments: [
            (.noSuchProcess, .usage), (.refused, .usage), (.malformed, .failed), (.unknownCommand, .failed),
            (.notPermitted, .failed), (.failed, .failed),
        ] as [(AdminError.Kind, ToolFailure.Status)]
    )
    func `what the daemon answers decides the exit status`(kind: AdminError.Kind, status: ToolFailure.Status) {
        #expect(ToolFailure(AdminError(kind: kind, message: "No.")) == ToolFailure(status, "No."))
    }
}
