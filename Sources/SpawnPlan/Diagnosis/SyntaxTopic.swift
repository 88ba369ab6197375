// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// Source files that the interpreter cannot read.
enum SyntaxTopic {
    static func find(in evidence: Evidence) -> DiagnosisFinding? {
        let phrases: [StaticString] = [
            "SyntaxError", ": syntax error, ", ": unterminated string meets end of file", "IndentationError: ",
            "TabError: ", ": syntax errors found",
        ]
        guard phrases.contains(where: evidence.contains) else { return nil }
        let place = self.pythonPlace(evidence) ?? self.rubyPlace(evidence) ?? self.nodePlace(evidence)
        return .syntax(file: place?.file, line: place?.line)
    }

    private typealias Place = (file: String, line: Int?)

    /// `  File "/srv/shop/app.py", line 3`: the last one, right before the error, is the place.
    private static func pythonPlace(_ evidence: Evidence) -> Place? {
        let names: [StaticString] = ["SyntaxError: ", "IndentationError: ", "TabError: "]
        guard names.contains(where: evidence.contains),
            let text = evidence.lastText(after: "  File \""), let quote = text.firstIndex(of: "\"")
        else { return nil }
        let rest = text[text.index(after: quote)...]
        guard rest.hasPrefix(", line ") else { return nil }
        return (String(text[..<quote]), Int(rest.dropFirst(7).prefix { $0.isNumber }))
    }

    /// `config.ru:3: syntax error, unexpected …`, `config.ru:3: syntax errors found`.
    private static func rubyPlace(_ evidence: Evidence) -> Place? {
        let phrases: [StaticString] = [
            ": syntax error, ", ": syntax errors found", ": syntax error found",
            ": unterminated string meets end of file",
        ]
        for phrase in phrases {
            guard let text = evidence.text(before: phrase, from: "SyntaxError: ", "--> "),
                let place = self.place(text)
            else { continue }
            return place
        }
        return nil
    }

    /// `/srv/shop/app.js:3` on the first line of what Node prints.
    private static func nodePlace(_ evidence: Evidence) -> Place? {
        for suffix: StaticString in [".js:", ".mjs:", ".cjs:"] {
            guard let path = evidence.text(before: suffix, from: "file://", "    at ", "(") else { continue }
            guard path.utf8.first == UInt8(ascii: "/"),
                let line = evidence.text(after: suffix)?.prefix(while: \.isNumber), !line.isEmpty
            else { continue }
            return ("\(path)\(String(describing: suffix).dropLast())", Int(line))
        }
        return nil
    }

    private static func place(_ text: String) -> Place? {
        guard let colon = text.lastIndex(of: ":"), let line = Int(text[text.index(after: colon)...]) else { return nil }
        return (String(text[..<colon]), line)
    }

    static func remedies(_ file: String?, _ line: Int?, _ scene: DiagnosisScene) -> [Remedy] {
        guard let file else { return [.init("Correct the source file that the message below names.")] }
        let path = scene.shell.absolute(file)
        let shown = SafeText.name(path)
        let place = line.map { "\(shown), line \($0)" } ?? shown
        guard let check = scene.shell.check(path) else { return [.init("Correct \(place).")] }
        return [.init("Correct \(place), then check it with:", shell: check)]
    }
}
