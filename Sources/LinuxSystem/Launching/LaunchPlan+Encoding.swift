// SPDX-License-Identifier: MIT

extension LaunchPlan {
    /// First field; the number changes with every change of the format (`plan.h` of `flying-passenger-exec`).
    package static let formatName = "flying-passenger-exec 5"

    /// The helper reads no more than this.
    static let maxEncodedBytes = 4 << 20

    /// The plan as fields that each end with a zero byte: a keyword, then as many values as that keyword has.
    ///
    /// `nil` when a text holds a zero byte, which would turn into other fields, or when it is too long.
    func encoded() -> [UInt8]? {
        var fields = Fields()
        fields.add(Self.formatName)
        addProcessState(to: &fields)
        addWorkingDirectory(to: &fields)
        addProgram(to: &fields)
        fields.add("end")
        return fields.bytes.count <= Self.maxEncodedBytes && !fields.isBroken ? fields.bytes : nil
    }

    /// Every descriptor that the helper must inherit.
    var inheritedDescriptors: [Int32] {
        var numbers = Set(descriptors.map(\.source))
        if case .open(let number) = program { numbers.insert(number) }
        if case .examined(let directory) = workingDirectory { numbers.insert(directory.descriptor) }
        for case let number? in [gate, controlGroup] { numbers.insert(number) }
        return numbers.sorted()
    }

    private func addProcessState(to fields: inout Fields) {
        if newSession { fields.add("session") }
        if let gate { fields.add("gate", gate) }
        if let controlGroup { fields.add("control-group", controlGroup) }
        for placement in descriptors { fields.add("descriptor", placement.source, placement.target) }
        if let niceness { fields.add("niceness", niceness) }
        if let autogroupNiceness { fields.add("autogroup", autogroupNiceness) }
        if let oomScoreAdjustment { fields.add("oom-score", oomScoreAdjustment) }
        for (resource, limit) in limits.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            fields.add("limit", resource.number, limit.soft, limit.hard, resource.rawValue)
        }
        if let umask { fields.add("umask", umask) }
        if let identity {
            fields.add("identity", identity.uid, identity.gid)
            for group in identity.groups { fields.add("group", group) }
        }
        if noNewPrivileges { fields.add("no-new-privileges") }
    }

    private func addWorkingDirectory(to fields: inout Fields) {
        switch workingDirectory {
        case .unchanged: break
        case .path(let path): fields.add("directory", path)
        case .examined(let directory):
            fields.add("examined-directory", directory.descriptor, directory.walk)
            if let owner = directory.expectedOwner { fields.add("directory-owner", owner) }
            if let file = directory.startupFile {
                fields.add("startup-file", file.path, file.device, file.inode, file.owner)
            }
        }
    }

    private func addProgram(to fields: inout Fields) {
        for argument in arguments { fields.add("argument", argument) }
        for variable in environment { fields.add("variable", variable.name + "=" + variable.value) }
        addEnvironmentChanges(to: &fields)
        if setsListenPID { fields.add("listen-pid") }
        if reportsEnvironment { fields.add("report-environment") }
        switch program {
        case .path(let path): fields.add("program", path)
        case .open(let descriptor): fields.add("open-program", descriptor)
        case .openedBeforeDrop(let path): fields.add("early-program", path)
        }
    }
}

extension LaunchPlan {
    private func addEnvironmentChanges(to fields: inout Fields) {
        if let shell = environmentChanges.loginShell { fields.add("login-shell", shell) }
        for change in environmentChanges.changes {
            switch change {
            case .set(let name, let value): fields.add("set", name + "=" + value)
            case .unset(let name): fields.add("unset", name)
            case .append(let name, let value): fields.add("append", name + "=" + value)
            }
        }
        if let file = environmentChanges.file { fields.add("environment-file", file) }
        for variable in environmentChanges.overrides {
            fields.add("override", variable.name + "=" + variable.value)
        }
    }
}

private struct Fields {
    private(set) var bytes: [UInt8] = []
    private(set) var isBroken = false

    mutating func add(_ values: any CustomStringConvertible...) {
        for value in values {
            let text = value.description.utf8
            if text.contains(0) { isBroken = true }
            bytes.append(contentsOf: text)
            bytes.append(0)
        }
    }
}
