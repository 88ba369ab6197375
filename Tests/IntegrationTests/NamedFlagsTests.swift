// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Flags that messages, remedies and documents name are flags that some program has.
    @Suite(.timeLimit(.minutes(1)))
    struct NamedFlagsTests {
        /// Flags of programs that are not ours, and what only looks like a flag.
        private static let foreign: Set<String> = [
            // ps, npm, gem, bundle, pip, journalctl, curl, node, python, ruby, systemctl
            "--no-headers", "--check", "--directory", "--force-reinstall", "--no-binary", "--local", "--user-install",
            "--since", "--max-old-space-size", "--retry", "--retry-connrefused", "--resolve", "--now", "--yjit",
            "--include", "--rate", "--parallel", "--parallel-immediate", "--expose-gc",
            "--no-buffer", "--max-time", "--header",
            // mkdir
            "--parents",
            // git
            "--quiet", "--all", "--initial-branch",
            // uvicorn, hypercorn, gunicorn, Django
            "--bind", "--fd", "--forwarded-allow-ips", "--no-access-log", "--proxy-headers", "--reload", "--root-path",
            "--workers", "--preload",
            "--port", "--email", "--no-input", "--username",
            // rails
            "--skip-bootsnap", "--skip-gemfile", "--skip-git", "--skip-javascript", "--skip-listen", "--skip-spring",
            // useradd, adduser, chsh, getent, sudo
            "--group", "--groups", "--user-group", "--home", "--home-dir",
            "--system", "--shell", "--login", "--command", "--target", "--no-create-home",
            "--create-home",
            // systemctl kill
            "--kill-who", "--signal",
            // The beginning of one of Node's, in its own words
            "--trace-",
            // Hidden: between processes of one program, or of two.
            "--core", "--worker", "--leave-out-owners",
        ]

        private static func flags(in text: String) -> Set<String> {
            var found: Set<String> = []
            let pieces = text.pieces(between: "--")
            for (before, piece) in zip(pieces, pieces.dropFirst()) {
                let isInside = before.last.map { $0.isLetter || $0.isNumber || "_-".contains($0) } ?? false
                guard !isInside, let first = piece.first, first.isASCII, first.isLowercase else { continue }
                found.insert("--" + piece.prefix { $0.isASCII && ($0.isLowercase || $0 == "-") })
            }
            return found
        }

        private static func flags(of program: String) throws -> Set<String> {
            let help = try Shell.run([Repository.program(program), "--help"], within: .seconds(30))
            return Self.flags(in: help.output)
        }

        @Test func `every flag that a text names exists in the help of a program`() throws {
            let programs = [
                "flying-passenger", "front-proxy", "passenger-status", "passenger-memory-stats", "passenger-config",
            ]
            let known = try programs.reduce(into: Self.foreign) { try $0.formUnion(Self.flags(of: $1)) }
            let root = Repository.root
            let files =
                ["Sources", "docs", "systemd", "examples"]
                .flatMap { folder in TestFile.tree("\(root)/\(folder)").map { "\(folder)/\($0)" } }
                + ["README.md", "ARCHITECTURE.md", "SECURITY.md"]
            let endings = [".swift", ".md", ".rb", ".py", ".js", ".service", ".socket", ".conf"]
            // Variables of its style sheet begin like flags.
            for file in files where endings.contains(where: file.hasSuffix) && !file.hasSuffix("PageStyle.swift") {
                let unknown = try Self.flags(in: TestFile.text("\(root)/\(file)")).subtracting(known)
                #expect(unknown == [], "\(file)")
            }
        }
    }
}
