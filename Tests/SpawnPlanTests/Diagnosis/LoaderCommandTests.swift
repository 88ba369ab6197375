// SPDX-License-Identifier: MIT

import AppSettings
import ShownText
import Testing

@testable import SpawnPlan

struct LoaderCommandTests {
    private func shell(_ type: AppType, _ interpreter: String, isSwitched: Bool = true) -> AppShell {
        var identity = DiagnosisBench.joe
        if !isSwitched {
            identity = RunningIdentity(
                userName: "joe",
                groupName: "joe",
                uid: 1001,
                gid: 1001,
                groups: [1001],
                account: nil,
                reason: "runs as joe",
                isSwitched: false,
                restsOnOwnership: false
            )
        }
        return AppShell(identity: identity, appRoot: "/srv/a b", interpreter: interpreter, type: type)
    }

    private func command(
        _ words: [String],
        _ type: AppType = .rack,
        _ interpreter: String = "ruby"
    ) -> String? {
        LoaderCommand(words)?.remedy("Type:", in: shell(type, interpreter)).command
    }

    @Test(arguments: [
        (["list", "/etc/x;y"], "ls -ld '/etc/x;y'"), (["memory"], "free -m"),
        (
            ["gem-install", "rack"],
            #"sudo -u joe -H sh -c 'cd '\''/srv/a b'\'' && ruby -S gem install --user-install rack'"#
        ),
        (["bundle-check"], #"sudo -u joe -H sh -c 'cd '\''/srv/a b'\'' && ruby -S bundle check'"#),
        (["check", "lib/x.rb"], "sudo -u joe -H ruby -wc '/srv/a b/lib/x.rb'"),
        (["gem-path", "/usr/share/gems"], "passenger_env_var GEM_PATH /usr/share/gems;"),
        (["node-path", "/a b"], "passenger_env_var NODE_PATH \"/a b\";"),
        (["python", "/srv/venv/bin/python"], "passenger_python /srv/venv/bin/python;"),
        (["startup-file"], "passenger_app_type node; passenger_startup_file FILE;"),
        (["asgi", "my.module"], "passenger_app_type asgi; passenger_startup_file my.module:application;"),
        (["npm-install", "@scope/name"], #"sudo -u joe -H sh -c 'cd '\''/srv/a b'\'' && npm install @scope/name'"#),
        (["npm-install"], #"sudo -u joe -H sh -c 'cd '\''/srv/a b'\'' && npm install'"#),
    ])
    func `a command is made of the daemon's words and one of the loader's`(words: [String], line: String) {
        #expect(command(words) == line)
    }

    @Test func `modules of Python are installed by name, or as requirements.txt lists them`() {
        #expect(
            command(["pip-install", "no_such"], .wsgi, "python3")?.contains("python3 -m pip install no_such") == true
        )
        #expect(command(["pip-install"], .wsgi, "python3")?.contains("pip install -r requirements.txt") == true)
        #expect(
            command(["virtualenv", "x"], .wsgi, "python3")?.contains("venv venv && venv/bin/pip install x") == true
        )
        #expect(command(["virtualenv"], .wsgi, "python3")?.contains("pip install -r requirements.txt") == true)
        #expect(command(["pip-build", "x"], .wsgi, "python3")?.contains("--no-binary :all: x") == true)
        #expect(command(["pip-freeze"], .wsgi, "python3")?.contains("python3 -m pip freeze") == true)
    }

    @Test func `a daemon that changes no users says so without sudo`() {
        let command = LoaderCommand(["bundle-install"])
        let remedy = command?.remedy("Type:", in: shell(.rack, "/opt/ruby/bin/ruby", isSwitched: false))
        #expect(
            remedy?.command == "cd '/srv/a b' && /opt/ruby/bin/ruby -S bundle config set --local path vendor/bundle && "
                + "/opt/ruby/bin/ruby -S bundle install"
        )
    }

    @Test(arguments: [
        [], [""], ["rm", "-rf"], ["list"], ["list", "-R"], ["list", "/a", "/b"], ["memory", "x"],
        ["gem-install", "x;y"],
        ["gem-install", "-x"], ["gem-install"], ["pip-install", "--index-url=x"], ["npm-install", "a b"],
        ["asgi", "x:y z"], ["asgi", "$(id)"], ["python", "venv/bin/python"], ["check", ""], ["startup-file", "x"],
        ["bundle-install", "x"], ["curl", "https://example.com"],
    ])
    func `what is no command, or no part of one, is none`(words: [String]) {
        #expect(LoaderCommand(words) == nil, "\(words)")
    }

    @Test func `a command that cannot be made leaves a sentence`() {
        let remedy = LoaderCommand(["check", "x"])?.remedy("Check it with:", in: shell(.generic, "/bin/sh"))
        #expect(remedy == Remedy("Check it with."))
    }
}
