// SPDX-License-Identifier: MIT

import Testing

@testable import SpawnPlan

/// What Ruby 3.1, RubyGems and Bundler 2.3 printed, word for word.
struct GemTopicTests {
    static let lockedGem = """
        /usr/share/rubygems-integration/all/gems/bundler-2.3.15/lib/bundler/definition.rb:486:in `materialize': Could not \
        find sinatra-3.0.2 in any of the sources (Bundler::GemNotFound)
        \tfrom /usr/share/rubygems-integration/all/gems/bundler-2.3.15/lib/bundler/definition.rb:191:in `specs'
        \tfrom /usr/share/rubygems-integration/all/gems/bundler-2.3.15/lib/bundler/definition.rb:239:in `specs_for'
        """
    static let noSuchVersion = """
        /usr/share/rubygems-integration/all/gems/bundler-2.3.15/lib/bundler/resolver.rb:271:in `block in \
        verify_gemfile_dependencies_are_found!': Could not find gem 'rack (~> 99)' in locally installed gems. \
        (Bundler::GemNotFound)

        The source contains the following gems matching 'rack':
          * rack-2.2.22
        \tfrom /usr/share/rubygems-integration/all/gems/bundler-2.3.15/lib/bundler/resolver.rb:254:in `map!'
        """
    static let required = """
        <internal:/usr/lib/ruby/vendor_ruby/rubygems/core_ext/kernel_require.rb>:85:in `require': cannot load such file \
        -- sinatra/base (LoadError)
        \tfrom <internal:/usr/lib/ruby/vendor_ruby/rubygems/core_ext/kernel_require.rb>:85:in `require'
        \tfrom config.ru:1:in `<main>'
        """
    static let missingSpec = """
        /usr/lib/ruby/vendor_ruby/rubygems/dependency.rb:307:in `to_specs': Could not find 'puma' (>= 0) among 41 total \
        gem(s) (Gem::MissingSpecError)
        """

    @Test(arguments: [(lockedGem, "sinatra"), (noSuchVersion, "rack"), (missingSpec, "puma")])
    func `a gem that is not installed`(output: String, gem: String) throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: output)
        #expect(diagnosis.kind == .missingGem)
        #expect(diagnosis.title == "A gem is missing")
        #expect(
            diagnosis.commands == [
                "sudo -u joe -H sh -c 'cd /srv/shop && ruby -S bundle config set --local path vendor/bundle "
                    + "&& ruby -S bundle install'",
                "sudo -u joe -H sh -c 'cd /srv/shop && ruby -S gem environment gempath; ruby -S gem list \(gem)'",
            ]
        )
        #expect(diagnosis.everything.contains("joe probably cannot read the directory that holds them"))
        #expect(diagnosis.everything.contains("The app runs as joe because joe owns config.ru."))
    }

    @Test func `a file that no gem provides`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: Self.required)
        #expect(diagnosis.kind == .missingGem)
        #expect(diagnosis.commands.first == "sudo -u joe -H sh -c 'cd /srv/shop && ruby -S bundle add sinatra'")
        #expect(
            diagnosis.commands.contains {
                $0.contains("sudo -u joe") && $0.contains("ruby -S gem install --user-install sinatra")
            }
        )
    }

    @Test func `as the loader reports it`() throws {
        let failure = DiagnosisBench.failure(
            kind: .exception,
            step: .app,
            summary: "LoadError: cannot load such file -- sinatra",
            detail: "cannot load such file -- sinatra (LoadError)\nconfig.ru:1:in `require'"
        )
        let diagnosis = try DiagnosisBench.diagnosis(failure)
        #expect(diagnosis.kind == .missingGem)
        #expect(
            diagnosis.commands.contains {
                $0.contains("sudo -u joe") && $0.contains("ruby -S gem install --user-install sinatra")
            }
        )
    }

    @Test func `a file of the app itself`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(
            printing: "config.ru:2:in `require_relative': cannot load such file -- /srv/shop/lib/nope (LoadError)"
        )
        #expect(diagnosis.commands.first == "namei -l /srv/shop/lib/nope")
        #expect(!diagnosis.everything.contains("gem install"))
    }

    @Test func `a version that was loaded too early`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(
            printing: """
                runtime.rb:308:in `check_for_activated_spec!': You have already activated rack 3.0.0, but your Gemfile \
                requires rack 2.2.22. Prepending `bundle exec` to your command may solve this. (Gem::LoadError)
                """
        )
        #expect(diagnosis.kind == .missingGem)
        #expect(diagnosis.commands.contains("passenger_preload_bundler on;"))
    }

    @Test func `missing gems of an app that runs as nobody tell whose fault that may be`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: Self.lockedGem, identity: DiagnosisBench.nobody)
        #expect(diagnosis.commands.contains("chown -h APP_USER: /srv/shop/config.ru"))
        #expect(diagnosis.commands.contains("passenger_user APP_USER;"))
        #expect(diagnosis.everything.contains("runs as nobody because root owns config.ru"))
    }

    @Test(arguments: [
        "cannot load such file -- x; rm -rf / (LoadError)", "cannot load such file -- $(reboot) (LoadError)",
        "cannot load such file -- --help (LoadError)", "cannot load such file -- ../../etc/passwd (LoadError)",
        "Could not find gem '`reboot`' in locally installed gems. (Bundler::GemNotFound)",
        "Could not find x&&reboot-1.0 in any of the sources (Bundler::GemNotFound)",
    ])
    func `no command holds what an app wrote, unless it is a plain name or quoted`(output: String) throws {
        for command in try DiagnosisBench.diagnosis(printing: output).commands {
            for word in ["rm -rf", "$(reboot)", "`reboot`", "&&reboot", "--help"] where command.contains(word) {
                // Behind a path it is no option.
                #expect(
                    command.hasPrefix("namei -l '/srv/shop/") || command.hasPrefix("namei -l /srv/shop/"),
                    "\(command)"
                )
            }
        }
    }
}
