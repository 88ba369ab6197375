// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import Testing

struct FrontConfigurationTests {
    @Test func `what was recorded reads the same without the files`() throws {
        var files = InMemoryFiles(files: [
            "/etc/front.conf": "include sites/*; include x.conf;",
            "/etc/sites/a": "server { root /web; passenger_base_uri /b; passenger_enabled on; }",
            "/etc/x.conf": "passenger_fly_with /run/s;",
        ])
        files.links["/web/b"] = "/apps/b/public"
        let recorder = RecordingFiles(files)
        let first = try FrontConfiguration(paths: ["/etc/front.conf"], files: recorder)
        let second = try FrontConfiguration(paths: ["/etc/front.conf"], files: recorder.snapshot)
        #expect(first.model.dump == second.model.dump)
        #expect(second.model.apps.map(\.groupName) == ["/apps/b"])
        #expect(first.model.apps == second.model.apps)
    }

    @Test func `flags declare one app`() throws {
        let app = CommandLineApp(
            directory: "/home/joe",
            listens: ["127.0.0.1:3000", "unix:/run/x"],
            appRoot: "shop",
            settings: ["app_env=development", "passenger_min_instances=2", "env_var=A=b=c", "user=joe"]
        )
        let model = try FrontConfiguration(app, files: InMemoryFiles()).model
        let route = model.route(listen: .tcp(host: "127.0.0.1", port: 3000), host: "any", path: "/x")
        #expect(route.documentRoot == "/home/joe/shop/public")
        #expect(route.app?.groupName == "/home/joe/shop")
        #expect(route.app?.settings.values(of: "env_var") == ["A=b=c"])
        #expect(route.app?.settings["min_instances"] == "2")
        #expect(model.listens.count == 2)
    }

    @Test(arguments: ["nonsense=1", "min_instances=x", "min_instances", "env_var=A", ""])
    func `a bad flag is an error that names it`(setting: String) {
        let app = CommandLineApp(directory: "/", listens: ["80"], appRoot: "/a", settings: [setting])
        let error = #expect(throws: ConfigurationError.self) { try FrontConfiguration(app, files: InMemoryFiles()) }
        #expect(error?.description.hasPrefix("command line: error: ") == true)
    }

    @Test func `the dump shows what is in force`() throws {
        let text = """
            passenger_fly_with /run/s; access_log /log; user web;
            server { listen 80; server_name a; root /a/public; passenger_enabled on; passenger_env_var KEY secret;
                location = /x { return 204; } }
            """
        #expect(
            try configuration(text).model.dump == """
                fly_with /run/s
                user web
                error_log stderr
                listen 0.0.0.0:80

                server a on 0.0.0.0:80
                    location = /x
                        return 204
                        app /a
                        files /a/public
                        access_log /log
                    location /
                        app /a
                        files /a/public
                        access_log /log

                app /a
                    app_root=/a
                    env_var=KEY=…

                """
        )
    }
}
