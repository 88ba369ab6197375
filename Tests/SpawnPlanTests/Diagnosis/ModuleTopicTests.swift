// SPDX-License-Identifier: MIT

import AppSettings
import Testing

@testable import SpawnPlan

/// What Python 3.11 and Node 20 printed, word for word.
struct ModuleTopicTests {
    static let python = """
        Traceback (most recent call last):
          File "/srv/shop/passenger_wsgi.py", line 1, in <module>
            import flask
        ModuleNotFoundError: No module named 'flask'
        """
    static let commonJS = """
        node:internal/modules/cjs/loader:1210
          throw err;
          ^

        Error: Cannot find module 'express'
        Require stack:
        - /srv/shop/app.js
            at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)
            at Module._load (node:internal/modules/cjs/loader:1038:27)
        """
    static let esModule = """
        node:internal/modules/esm/resolve:873
          throw new ERR_MODULE_NOT_FOUND(packageName, fileURLToPath(base), null);
                ^

        Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@scope/kit' imported from /srv/shop/app.mjs
            at packageResolve (node:internal/modules/esm/resolve:873:9)
        """

    @Test func `a module of Python`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: Self.python, type: .wsgi)
        #expect(diagnosis.kind == .missingModule)
        #expect(
            diagnosis.commands == [
                "passenger_python /srv/shop/venv/bin/python;",
                "sudo -u joe -H sh -c 'cd /srv/shop && python3 -m pip install flask'",
                "sudo -u joe -H sh -c 'cd /srv/shop && python3 -m site'",
            ]
        )
    }

    @Test func `an interpreter of a virtualenv is not replaced by another one`() throws {
        var failure = DiagnosisBench.failure(output: Self.python, type: .wsgi)
        failure.context.program?.arguments = ["/srv/shop/env/bin/python3", "wsgi-loader.py"]
        let diagnosis = try DiagnosisBench.diagnosis(failure)
        #expect(
            diagnosis.commands.first
                == "sudo -u joe -H sh -c 'cd /srv/shop && /srv/shop/env/bin/python3 -m pip install flask'"
        )
    }

    @Test(arguments: [(commonJS, "express"), (esModule, "@scope/kit")])
    func `a package of Node`(output: String, package: String) throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: output, type: .node)
        #expect(diagnosis.kind == .missingModule)
        #expect(
            diagnosis.commands == [
                "sudo -u joe -H sh -c 'cd /srv/shop && npm install'",
                "sudo -u joe -H sh -c 'cd /srv/shop && npm install \(package)'",
                "namei -l /srv/shop/node_modules/\(package)",
            ]
        )
    }

    @Test(arguments: ["Error: Cannot find module './lib/nope'", "Error: Cannot find module '/srv/shop/lib/nope.js'"])
    func `a file of the app itself`(output: String) throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: output, type: .node)
        #expect(diagnosis.kind == .missingModule)
        #expect(diagnosis.everything.contains("lib/nope"))
        #expect(!diagnosis.everything.contains("npm install"))
    }

    @Test(arguments: ["No module named 'a b; reboot'", "Cannot find module 'x$(reboot)'", "No module named '-r/etc/x'"])
    func `no command holds a name that is none`(output: String) throws {
        for type in [AppType.wsgi, .node] {
            let commands = try DiagnosisBench.diagnosis(printing: output, type: type).commands
            #expect(!commands.contains { $0.contains("reboot") || $0.contains("-r/etc") }, "\(commands)")
        }
    }
}
