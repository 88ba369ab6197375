// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing

@testable import Supervisor

/// What the Ruby loader does about the things that forked processes would share, tried with the libraries themselves.
struct AfterForkTests {
    private static func has(_ libraries: String...) -> Bool {
        guard Machine.has("ruby") else { return false }
        let requires = libraries.map { "require '\($0)';" }.joined()
        return (try? Shell.run(["ruby", "-e", requires]).status.isSuccess) == true
    }

    private static let hasActiveRecord = has("active_record", "sqlite3")
    private static let hasSequel = has("sequel", "sqlite3")

    /// Runs a script that has `prepare` (before a fork) and `forked` (a child that has done what is needed, and its output).
    private func output(of script: String) throws -> String {
        let directory = try TestDirectory("fp-fork.")
        try LoaderFiles.install(into: directory.file("loaders"))
        let head = """
            module FlyingPassenger
              module Boot
                def self.name_process(title)
                  $0 = title
                end
              end
            end
            require '\(directory.file("loaders"))/ruby/flying_passenger/after_fork'

            def prepare
              FlyingPassenger::AfterFork.prepare
            end

            def forked
              $stdout.flush
              Process.wait(fork { FlyingPassenger::AfterFork.run('a worker'); yield })
              abort unless $?.success?
            end

            """
        try directory.write(head + script, to: "script.rb")
        let outcome = try Shell.run(["ruby", "-W0", "script.rb"], in: directory.path, within: .seconds(30))
        guard outcome.status.isSuccess else {
            throw RunningProgram.Failure.ended("the script", outcome.status, output: outcome.output)
        }
        return outcome.output
    }

    @Test(.enabled(if: Machine.has("ruby"), "needs ruby"))
    func `without any library there are a title and other random numbers`() throws {
        let lines = try output(
            of: """
                srand(1)
                prepare
                2.times { forked { puts $0, rand(1 << 60) } }
                puts $0, rand(1 << 60)
                """
        )
        .split(separator: "\n")
        #expect(lines.count == 6 && lines[0] == "a worker" && lines[2] == "a worker" && lines[4] == "script.rb")
        #expect(Set([lines[1], lines[3], lines[5]]).count == 3)
    }

    @Test(.enabled(if: hasActiveRecord, "needs ruby-activerecord and ruby-sqlite3"))
    func `connections of ActiveRecord are closed before a fork, and are new ones after it`() throws {
        let script = """
            require 'active_record'
            prepare
            abort 'loaded' unless ActiveRecord.autoload?(:Base)
            base = ActiveRecord::Base
            base.establish_connection(adapter: 'sqlite3', database: 'records')
            base.connection.execute('create table numbers (number int)')
            prepare
            puts base.connected?
            # One that was opened behind the back of `prepare`.
            before = base.connection.raw_connection
            forked do
              puts base.connection.raw_connection.equal?(before)
              base.connection.execute('insert into numbers values (1)')
            end
            puts before.closed?, base.connection.select_value('select count(*) from numbers')
            """
        #expect(try output(of: script) == "false\nfalse\nfalse\n1\n")
    }

    @Test(.enabled(if: hasSequel, "needs ruby-sequel and ruby-sqlite3"))
    func `connections of Sequel are closed before a fork, but for databases in memory`() throws {
        let script = """
            require 'sequel'
            file, memory = Sequel.sqlite('records'), Sequel.sqlite
            [file, memory].each { |database| database.create_table(:numbers) { Integer :number } }
            prepare
            puts file.pool.size
            memory[:numbers].insert(number: 1)
            file[:numbers].count
            forked do
              puts file.pool.size, memory[:numbers].count
              file[:numbers].insert(number: 2)
            end
            puts file[:numbers].count
            """
        #expect(try output(of: script) == "0\n0\n1\n1\n")
    }

    /// No server of it is at hand: a library with the names of each of its versions.
    @Test(
        .enabled(if: Machine.has("ruby"), "needs ruby"),
        arguments: [
            (
                "def self.disconnect_clients; puts 'left'; end; def self.reconnect_clients; puts 'back'; end",
                "left\nback\n"
            ),
            (
                """
                def self.disconnect_clients; puts 'left'; end
                Client = Struct.new(:name) { def close; puts 'closed'; end; def reconnect; puts 'reconnected'; end }
                module Clients
                  def self.clients; { default: Client.new('one') }; end
                end
                """, "left\nclosed\nreconnected\n"
            ),
            ("def self.disconnect_sessions; puts 'left'; end", "left\nleft\n"),
        ]
    )
    func `Mongoid is told in the words of its version`(library: String, said: String) throws {
        #expect(try output(of: "module Mongoid\n\(library)\nend\n$stdout.sync = true\nprepare\nforked {}\n") == said)
    }
}
