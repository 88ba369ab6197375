// SPDX-License-Identifier: MIT

/// What was read from configuration files or from the command line.
package struct FrontConfiguration: Sendable {
    package let model: FrontModel
    package let warnings: [Diagnostic]

    /// Reads a configuration.
    ///
    /// - Parameters:
    ///   - paths: Absolute paths of the main files; each is read as a whole, in this order.
    ///   - files: The file system, or what was recorded of it.
    /// - Throws: All errors and warnings, if there is an error.
    package init(paths: [String], files: any ConfigurationFiles) throws(ConfigurationError) {
        let baseDirectory = paths.first.map(Paths.parent(of:)) ?? "/"
        var topLevels: [[Directive]] = []
        do throws(Diagnostic) {
            for path in paths {
                var parser = BlockParser(files: files, baseDirectory: Paths.parent(of: path))
                topLevels.append(try parser.parse(file: path))
            }
        } catch {
            throw ConfigurationError(diagnostics: [error])
        }
        try self.init(topLevels, files: files, baseDirectory: baseDirectory)
    }

    /// One app without a configuration file.
    package init(_ app: CommandLineApp, files: any ConfigurationFiles) throws(ConfigurationError) {
        try self.init([app.directives], files: files, baseDirectory: app.directory)
    }

    private init(
        _ topLevels: [[Directive]],
        files: any ConfigurationFiles,
        baseDirectory: String
    ) throws(ConfigurationError) {
        var builder = ConfigurationBuilder(files: files, baseDirectory: baseDirectory)
        var model = builder.build(topLevels)
        let order = SourceOrder(topLevels)
        model.subjects = order.sorted(model.subjects) { $0.place }
        let diagnostics = order.sorted(builder.diagnostics) { SourceLocation(file: $0.file, line: $0.line) }
        guard !diagnostics.contains(where: { $0.severity == .error }) else {
            throw ConfigurationError(diagnostics: diagnostics)
        }
        self.model = model
        warnings = diagnostics
    }
}
