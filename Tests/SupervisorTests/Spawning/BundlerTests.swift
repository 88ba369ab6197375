// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan
import TestSupport
import Testing

@testable import Supervisor

/// The three branches of the Bundler step (spec §1.6).
@Suite(.enabled(if: Machine.has("ruby") && Machine.has("bundle"), "needs Ruby and Bundler"))
struct BundlerTests {
    private static let app = """
        defined = defined?(Bundler) ? 'bundler' : 'none'
        run lambda { |env| [200, {}, ["#{$branch} #{defined} #{defined?(PhusionPassenger)} #{__FILE__}"]] }
        """

    private func body(_ files: [(String, String)], _ entries: [(String, String)] = []) throws -> String {
        let bench = try SpawnBench()
        for (name, text) in files { try bench.write(text, to: name) }
        try bench.write(Self.app, to: "config.ru")
        // Bundler writes Gemfile.lock.
        if Machine.isRoot, let user = Machine.appUsers.first { try bench.give(to: user) }
        let client = try AppClient(try bench.start(entries).address)
        try client.request("GET", "/")
        return try client.answer().body
    }

    @Test func `config/setup_load_paths.rb comes first and alone`() throws {
        let body = try body([
            ("config/setup_load_paths.rb", "$branch = 'setup_load_paths'"), (".bundle/environment.rb", "raise 'no'"),
            ("Gemfile", "raise 'no'"),
        ])
        #expect(body == "setup_load_paths none constant config.ru")
    }

    @Test func `.bundle/environment.rb comes next`() throws {
        let body = try body([(".bundle/environment.rb", "$branch = 'environment'"), ("Gemfile", "raise 'no'")])
        #expect(body == "environment none constant config.ru")
    }

    @Test func `a Gemfile is set up, wherever it is, and our library stays reachable`() throws {
        #expect(try body([("Gemfile", "$branch = 'gemfile'\ngem 'rack'")]) == "gemfile bundler constant config.ru")
        #expect(try body([("gems.rb", "$branch = 'gems'\ngem 'rack'")]) == "gems bundler constant config.ru")
        let elsewhere = try body(
            [("deploy/Gemfile", "$branch = 'elsewhere'\ngem 'rack'")],
            [("env_var", "BUNDLE_GEMFILE=deploy/Gemfile")]
        )
        #expect(elsewhere == "elsewhere bundler constant config.ru")
    }

    @Test func `without any of them no Bundler is loaded`() throws {
        #expect(try body([]) == " none constant config.ru")
    }

    @Test func `nothing that could be a gem is loaded before`() throws {
        let bench = try SpawnBench()
        let look = "puts $LOADED_FEATURES.grep(/socket|stringio|json|tempfile|io.wait|rack|etc|date/).inspect"
        try bench.write(look, to: "config/setup_load_paths.rb")
        try bench.write(Self.app, to: "config.ru")
        let process = try bench.start()
        #expect(bench.output(of: process) == ["[]"])
    }

    @Test func `a missing gem is a failure of the libraries step`() throws {
        let bench = try SpawnBench()
        try bench.write("gem 'no_such_gem_at_all'", to: "Gemfile")
        try bench.write(Self.app, to: "config.ru")
        let failure = try #require(try bench.failure())
        #expect(failure.step == .libraries && failure.summary.contains("no_such_gem_at_all"))
    }

    @Test func `events are called in their order, unknown ones refused`() throws {
        let bench = try SpawnBench()
        try bench.write(
            """
            names = [:starting_worker_process, :after_installing_signal_handlers, :starting_request_handler_thread,
                     :stopping_worker_process]
            names.each { |name| PhusionPassenger.on_event(name) { |*forked| puts "#{name} #{forked.inspect}" } }
            begin
              PhusionPassenger.on_event(:nothing) {}
            rescue ArgumentError
              puts 'refused'
            end
            at_exit { puts 'at_exit' }
            run lambda { |env| [200, {}, []] }
            """,
            to: "config.ru"
        )
        let process = try bench.start()
        process.process.terminate()
        _ = try bench.exit(of: process)
        #expect(
            bench.output(of: process) == [
                "refused", "starting_worker_process [false]", "after_installing_signal_handlers []",
                "starting_request_handler_thread []", "stopping_worker_process []", "at_exit",
            ]
        )
    }
}
