// SPDX-License-Identifier: MIT

import ArgumentParser
import FrontConfiguration
import ProgramLog
import Testing

@testable import FrontProxy

struct FrontProxyCommandTests {
    private func options(_ arguments: String...) throws -> MasterOptions {
        try FrontProxyCommand.read(arguments).options(in: "/home/joe")
    }

    @Test func `both spellings of options are read and paths made absolute`() throws {
        let options = try options(
            "--fly-with=fp.sock",
            "--config",
            "front.conf",
            "--config=/etc/x.conf",
            "--pid-file=run/p",
            "--log-level",
            "5",
            "--shutdown-timeout=2m"
        )
        #expect(options.source == .files(["/home/joe/front.conf", "/etc/x.conf"]))
        #expect(options.flyWith == "/home/joe/fp.sock")
        #expect(options.pidFile == "/home/joe/run/p")
        #expect(options.logScale?.number == 5)
        #expect(options.shutdownTimeout == .seconds(120))
        #expect(!options.isDaemon)
    }

    @Test func `one app needs no configuration file`() throws {
        let options = try options(
            "--listen=:80",
            "--app-root",
            "shop",
            "--set",
            "app_env=development",
            "--set=user=joe"
        )
        let app = CommandLineApp(
            directory: "/home/joe",
            listens: [":80"],
            appRoot: "shop",
            settings: ["app_env=development", "user=joe"]
        )
        #expect(options.source == .commandLine(app))
    }

    @Test(arguments: [
        [], ["--config=x", "--app-root=y"], ["--config=x", "--listen=:80"], ["--config=x", "--set=a=b"],
        ["--config=x", "--log-level=8"], ["--config=x", "--threads=0"], ["--config=x", "--shutdown-timeout=soon"],
        ["--config=x", "--nonsense"], ["--config"],
    ])
    func `a command line that makes no sense exits with 1`(arguments: [String]) {
        #expect(FrontProgram.run(arguments) == 1)
    }

    @Test func `an unknown flag is named, whatever else is missing`() {
        let error = #expect(throws: (any Error).self) { try FrontProxyCommand.read(["--confg=x"]) }
        #expect(error.map { FrontProxyCommand.message(for: $0) }?.contains("--confg") == true)
    }

    @Test func `the short flags of nginx check and print the configuration`() throws {
        #expect(try FrontProxyCommand.read(["--config=x", "-t"]).testConfig)
        #expect(try FrontProxyCommand.read(["--config=x", "-T"]).dumpConfig)
    }

    @Test func `the help names every flag`() {
        let help = FrontProxyCommand.helpMessage()
        for flag in [
            "--fly-with", "--config", "--listen", "--app-root", "--set", "--user", "--threads", "--pid-file",
            "--log-file", "--log-level", "--daemonize", "--test-config", "--dump-config", "--shutdown-timeout",
        ] {
            #expect(help.contains(flag))
        }
        #expect(!help.contains(WorkerProgram.flag))
    }
}
