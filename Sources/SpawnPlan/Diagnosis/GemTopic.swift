// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// What is wrong with a gem.
enum GemTrouble: Hashable, Sendable {
    /// Bundler does not find what the Gemfile asks for; the name as it was said, such as "sinatra-3.0.2".
    case notInstalled(String?)
    /// `require` finds no such file; the name of the file.
    case notLoadable(String)
    /// Another version was loaded before Bundler could choose; what was said about it.
    case activatedTwice(String)
}

/// Gems that are not there, or that the app's user cannot see.
enum GemTopic {
    static func find(in evidence: Evidence) -> DiagnosisFinding? {
        if let text = evidence.text(after: "You have already activated ", upTo: " (Gem::LoadError)") {
            return .gem(.activatedTwice(text))
        }
        if let name = self.missingGem(evidence) { return .gem(.notInstalled(name)) }
        if evidence.contains("Bundler::GemNotFound") { return .gem(.notInstalled(nil)) }
        if let name = evidence.text(after: "cannot load such file -- ", upTo: " (LoadError)") {
            return .gem(.notLoadable(name))
        }
        return nil
    }

    /// "Could not find rack-3.0 in any of the sources", "Could not find gem 'rack (~> 99)' in locally installed gems.",
    /// "Could not find 'rack' (>= 0) among 41 total gem(s)".
    private static func missingGem(_ evidence: Evidence) -> String? {
        let stops: [StaticString] = [
            " in any of the sources", " in locally installed gems", " in rubygems repository", " among ",
        ]
        for stop in stops {
            guard let text = evidence.text(before: stop, from: "Could not find gem ", "Could not find ") else {
                continue
            }
            let name = text.prefix { $0 != "," && $0 != "(" }.filter { $0 != "'" && $0 != "\"" }
            let words = name.split(separator: " ")
            if words.count == 1, ShellWord.isPackageName(String(words[0])) { return String(words[0]) }
            return nil
        }
        return nil
    }

    static func remedies(_ trouble: GemTrouble, _ scene: DiagnosisScene) -> [Remedy] {
        switch trouble {
        case .notInstalled(let name): self.notInstalled(name, scene)
        case .notLoadable(let file): self.notLoadable(file, scene)
        case .activatedTwice:
            [
                .init(
                    "Something asked for another version before Bundler could choose. Make the Gemfile.lock agree with it:",
                    shell: scene.inAppRoot(self.bundle("update", scene))
                ),
                .init(
                    "Or let Bundler choose before anything else is loaded:",
                    configuration: "passenger_preload_bundler on;"
                ),
            ]
        }
    }

    private static func notInstalled(_ name: String?, _ scene: DiagnosisScene) -> [Remedy] {
        let ruby = scene.interpreter
        let list: ShellLine = name.map { "gem list \(self.withoutVersion($0))" } ?? "gem list"
        return [
            .init(
                "Install the gems of the Gemfile where \(scene.userName) can read them:",
                shell: scene.inAppRoot(
                    "\(self.bundle("config set --local path vendor/bundle", scene)) && \(self.bundle("install", scene))"
                )
            ),
            .init(
                "If they are installed, \(scene.userName) probably cannot read the directory that holds them. "
                    + "See what that user's Ruby finds:",
                shell: scene.inAppRoot(
                    "\(ruby) -S gem environment gempath; \(ruby) -S \(list)"
                )
            ),
        ]
    }

    private static func notLoadable(_ file: String, _ scene: DiagnosisScene) -> [Remedy] {
        guard ShellWord.isPackageName(file) else {
            let path = file.utf8.first == UInt8(ascii: "/") ? file : "\(scene.appRoot)/\(file)"
            return [
                .init(
                    "The app itself requires the file \(SafeText.name(file)). Look whether it is there and who may read it:",
                    shell: "namei -l \(path)"
                )
            ]
        }
        let gem = file.pathComponents.first ?? file
        return [
            .init(
                "Add the gem that provides \(file), probably \(gem), to the Gemfile, and install it:",
                shell: scene.inAppRoot(self.bundle("add \(gem)", scene))
            ),
            .init(
                "Without a Gemfile, install it for that user:",
                shell: scene.inAppRoot("\(scene.interpreter) -S gem install --user-install \(gem)")
            ),
            .init(
                "If it is installed, \(scene.userName) probably cannot read the directory that holds it. "
                    + "See what that user's Ruby finds:",
                shell: scene.inAppRoot("\(scene.interpreter) -S gem list \(gem)")
            ),
        ]
    }

    /// Without what follows the last hyphen if that is a version.
    private static func withoutVersion(_ name: String) -> String {
        guard let hyphen = name.lastIndex(of: "-") else { return name }
        let hasVersion = name[hyphen...].dropFirst().first?.isNumber == true
        return hasVersion ? String(name[..<hyphen]) : name
    }

    /// With the Ruby of the app, which has gems of its own.
    private static func bundle(_ arguments: ShellLine, _ scene: DiagnosisScene) -> ShellLine {
        "\(scene.interpreter) -S bundle \(arguments)"
    }
}
