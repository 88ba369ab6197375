// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Applications with gems of their own behind one daemon: real Bundler, and gems that are built here.
    @Suite(
        .enabled(if: Integration.hasRuby && Machine.has("bundle"), "needs Ruby and Bundler"),
        .timeLimit(.minutes(2))
    )
    struct BundlerAppsTests {
        /// Builds two versions of a gem, and another version of one that comes with Ruby; installs them into `home`.
        private static let build = """
            require 'rubygems/package'
            require 'rubygems/installer'
            home = Dir.pwd + '/home'
            [%w[greeter 1.0.0], %w[greeter 2.0.0], %w[base64 9.9.9]].each do |name, version|
              Dir.mkdir('lib') unless Dir.exist?('lib')
              File.write("lib/#{name}.rb", "module #{name.capitalize}; OWN = '#{version}'.freeze; end\\n")
              specification = Gem::Specification.new do |gem|
                gem.name, gem.version, gem.summary, gem.authors, gem.files = name, version, name, ['us'], ["lib/#{name}.rb"]
              end
              file = Gem::DefaultUserInteraction.use_ui(Gem::SilentUI.new) { Gem::Package.build(specification, true) }
              Gem::Installer.at(file, install_dir: home, ignore_dependencies: true, document: []).install
            end
            puts Gem.path.join(':')
            """

        /// Says which versions it has got.
        private static let app = """
            require 'base64'
            own = [defined?(Greeter) && Greeter::OWN, defined?(Base64::OWN) ? Base64::OWN : 'default']
            own << (defined?(Bundler) ? 'bundler' : 'plain') << defined?(PhusionPassenger)
            run ->(_) { [200, {}, [own.join(' ')]] }
            """

        private static func gemfile(_ lines: String...) -> String {
            (["source 'https://rubygems.org'", "gem 'rack'"] + lines).joined(separator: "\n") + "\n"
        }

        private struct Case {
            let name: String
            /// Beside `config.ru`.
            let files: [String: String]
            /// Before the lines of `app`.
            var first = ""
            var settings: [String] = []
            let text: String
        }

        private static let cases: [Case] = [
            Case(
                name: "one",
                files: ["Gemfile": gemfile("gem 'greeter', '1.0.0'")],
                first: "require 'greeter'",
                text: "1.0.0 default bundler constant"
            ),
            Case(
                name: "two",
                files: ["Gemfile": gemfile("gem 'greeter', '~> 2.0'")],
                first: "Bundler.require",
                text: "2.0.0 default bundler constant"
            ),
            Case(
                name: "by-hand",
                files: [:],
                first: "gem 'base64', '< 9'\ngem 'greeter', '< 2'\nrequire 'greeter'",
                text: "1.0.0 default plain constant"
            ),
            Case(
                name: "pinned",
                files: ["gems.rb": gemfile("gem 'base64', '9.9.9'")],
                // Frameworks do it once more.
                first: "require 'bundler/setup'",
                text: " 9.9.9 bundler constant"
            ),
            Case(
                name: "preloaded",
                files: ["Gemfile": gemfile("gem 'greeter', '1.0.0'")],
                first: "require 'greeter'",
                settings: ["passenger_preload_bundler on;"],
                text: "1.0.0 default bundler constant"
            ),
            Case(
                name: "emptied",
                files: ["Gemfile": "raise 'is not read'\n", "config/setup_load_paths.rb": ""],
                first: "gem 'base64', '< 9'",
                text: " default plain constant"
            ),
            Case(
                name: "old",
                files: [
                    "Gemfile": "raise 'is not read'\n",
                    ".bundle/environment.rb": "gem 'base64', '< 9'\ngem 'greeter', '2.0.0'\nrequire 'greeter'\n",
                ],
                text: "2.0.0 default plain constant"
            ),
            Case(
                name: "elsewhere",
                files: ["deploy/Gemfile": gemfile("gem 'greeter', '2.0.0'")],
                first: "require 'greeter'",
                settings: ["passenger_env_var BUNDLE_GEMFILE deploy/Gemfile;"],
                text: "2.0.0 default bundler constant"
            ),
        ]

        private static let lock = """
            GEM
              specs:
                greeter (1.5.0)

            PLATFORMS
              ruby

            DEPENDENCIES
              greeter

            """

        /// What the daemon's log says of each.
        private static let failing = [
            (
                Case(name: "locked", files: ["Gemfile": "gem 'greeter'\n", "Gemfile.lock": lock], text: ""),
                "the gem greeter 1.5.0, which"
            ),
            (
                Case(
                    name: "missing",
                    files: ["Gemfile": "gem 'no_such_gem'\n"],
                    settings: ["passenger_preload_bundler on;"],
                    text: ""
                ),
                "no_such_gem"
            ),
            (
                Case(name: "without-rack", files: ["Gemfile": "gem 'greeter'\n"], text: ""),
                "the gem rack, which every Rack application needs"
            ),
            (
                Case(name: "newer-ruby", files: ["Gemfile": "ruby '99.0.0'\ngem 'greeter'\n"], text: ""),
                "kind=interpreter-unsupported"
            ),
        ]

        @Test func `each application has the gems that its own files name`() throws {
            let gems = try TestDirectory("fp-gems.")
            let built = try Shell.run(["ruby", "-W0", "-e", Self.build], in: gems.path, within: .seconds(30))
            let folders = try #require(built.output.split(separator: "\n").last, "\(built.output)")
            let site = try Site(apps: [], httpSettings: ["passenger_load_shell_envvars off;"])
            let all = Self.cases + Self.failing.map(\.0)
            for one in all {
                let root = "apps/\(one.name)"
                try site.directory.write("\(one.first)\n\(Self.app)\n", to: "\(root)/config.ru")
                try site.directory.write("", to: "\(root)/public/.keep")
                for (name, text) in one.files { try site.directory.write(text, to: "\(root)/\(name)") }
                // Bundler writes the lock file.
                if let owner = Integration.owner(0) { try TestDirectory.give(site.root(of: one.name), to: owner) }
                let path = "passenger_env_var GEM_PATH \(gems.file("home")):\(folders);"
                try site.add(.init(one.name, from: nil, settings: one.settings + [path]))
            }
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            // All at once: a start takes a second or two of a processor.
            let visits = try all.map { one in
                let client = try HTTPConnection(port: site.port)
                try client.send("GET / HTTP/1.1\r\nHost: \(one.name).localhost\r\n\r\n")
                return (one: one, client: client)
            }
            let pages = try visits.map { (one: $0.one, page: try $0.client.readResponse()) }
            for (one, page) in pages.prefix(Self.cases.count) {
                #expect(page.text == one.text, "\(one.name): \(page.text)\n\(site.log().suffix(2000))")
            }
            #expect(pages.dropFirst(Self.cases.count).allSatisfy { $0.page.status == 500 })
            for (one, said) in Self.failing {
                try eventually("the reason for \(one.name)") {
                    site.log().split(separator: "\n").contains { $0.contains("ERROR") && $0.contains(said) }
                }
            }
        }
    }
}
