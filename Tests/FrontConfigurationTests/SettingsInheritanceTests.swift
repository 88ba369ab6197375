// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import Testing

struct SettingsInheritanceTests {
    private func route(_ text: String, path: String = "/") throws -> RouteModel {
        try configuration(text).model
            .route(listen: .tcp(host: "0.0.0.0", port: 80), host: "", path: path)
    }

    @Test func `the guide's configuration gives one app`() throws {
        let text = """
            http {
                passenger_fly_with /var/run/flying-passenger.sock;
                server {
                    listen 80;
                    server_name www.foo.local;
                    root /webapps/foo/public;
                    passenger_enabled on;
                }
            }
            """
        let read = try configuration(text)
        #expect(read.warnings.isEmpty)
        #expect(read.model.flyWith == "/var/run/flying-passenger.sock")
        #expect(read.model.apps.map(\.groupName) == ["/webapps/foo"])
        #expect(read.model.apps.first?.settings == SettingsList([.init(name: "app_root", value: "/webapps/foo")]))
        #expect(read.model.servers.first?.names == ["www.foo.local"])
    }

    @Test func `settings are inherited inwards unless redefined`() throws {
        let text = """
            passenger_ruby /opt/ruby; passenger_min_instances 3; passenger_env_var A 1; passenger_env_var B 1;
            server {
                root /app/public; passenger_enabled on; passenger_min_instances 2; passenger_env_var B 2;
                location /x { passenger_app_group_name x; passenger_env_var C "3 = 4"; passenger_min_instances 0; }
                location /static { passenger_enabled off; }
            }
            """
        let outer = try #require(try route(text).app?.settings)
        #expect(outer["ruby"] == "/opt/ruby")
        #expect(outer["min_instances"] == "2")
        #expect(outer.values(of: "env_var") == ["A=1", "B=2"])
        let inner = try #require(try route(text, path: "/x").app)
        #expect(inner.groupName == "x")
        #expect(inner.settings["min_instances"] == "0")
        #expect(inner.settings.values(of: "env_var") == ["A=1", "B=2", "C=3 = 4"])
        #expect(try route(text, path: "/static").app == nil)
    }

    @Test func `every app is declared once`() throws {
        let text = """
            server { listen 80; server_name a; root /app/public; passenger_enabled on; }
            server { listen 81; server_name b; root /app/public; passenger_enabled on; location /x { } }
            server { listen 82; server_name c; root /other/public; passenger_enabled on; }
            """
        let read = try configuration(text)
        #expect(read.model.apps.map(\.id) == [0, 1])
        #expect(read.model.apps.map(\.groupName) == ["/app", "/other"])
        #expect(read.warnings.isEmpty)
    }

    @Test func `one group with two lists of settings keeps the first and warns`() throws {
        let text = """
            server { listen 80; root /app/public; passenger_enabled on; }
            server { listen 81; root /app/public; passenger_enabled on; passenger_app_env staging; }
            """
        let read = try configuration(text)
        #expect(read.model.apps.count == 1)
        #expect(read.model.apps.first?.settings["app_env"] == nil)
        #expect(read.warnings.first?.message.contains("declared with other settings at /etc/front.conf:1") == true)
    }

    @Test(arguments: ["passenger_app_env", "passenger_rails_env", "passenger_rack_env", "rails_env", "rack_env"])
    func `all spellings of the app environment are one setting`(name: String) throws {
        let route = try route("server { root /a/public; passenger_enabled on; \(name) development; }")
        #expect(route.app?.settings["app_env"] == "development")
    }

    @Test func `whether pages are friendly is the daemon's to decide, from the app's settings`() throws {
        let text = """
            server { root /a/public; passenger_enabled on; rails_env development; passenger_friendly_error_pages off; }
            """
        #expect(try route(text).app?.settings["friendly_error_pages"] == "off")
    }

    @Test func `a custom error page belongs to the route alone`() throws {
        let text = "server { root /a/public; passenger_enabled on; passenger_custom_error_page /srv/sorry.html; }"
        let route = try route(text)
        #expect(route.customErrorPage == "/srv/sorry.html")
        #expect(route.app?.settings["custom_error_page"] == nil)
    }

    @Test func `values for the handling of requests are inherited`() throws {
        let text = """
            client_max_body_size 5m; send_timeout 7; keepalive_timeout 3 4; passenger_read_timeout 1h;
            server {
                root /a;
                passenger_buffer_upload off;
                passenger_ignore_client_abort on;
                passenger_request_queue_overflow_status_code 529;
                location /x { client_max_body_size 0; client_body_timeout 9s; index a.html b.html; }
            }
            """
        let outer = try route(text)
        #expect(outer.clientMaxBodySize == 5 << 20)
        #expect(outer.sendTimeout == .seconds(7))
        #expect(outer.keepaliveTimeout == .seconds(3))
        #expect(outer.readTimeout == .seconds(3600))
        #expect(!outer.requestBuffering && outer.ignoreClientAbort && outer.overflowStatus == 529)
        let inner = try route(text, path: "/x")
        #expect(inner.clientMaxBodySize == 0)
        #expect(inner.clientBodyTimeout == .seconds(9))
        #expect(inner.index == ["a.html", "b.html"])
        #expect(inner.sendTimeout == .seconds(7))
    }

    @Test func `headers are inherited unless the block adds its own`() throws {
        let text = """
            add_header X-A 1;
            server {
                root /a;
                location /x { add_header X-B "$host" always; add_header X-C 3; }
                location /y { }
            }
            """
        #expect(try route(text).addHeaders.map(\.name) == ["X-A"])
        #expect(try route(text, path: "/x").addHeaders.map(\.name) == ["X-B", "X-C"])
        #expect(try route(text, path: "/y").addHeaders.map(\.name) == ["X-A"])
        let added = try #require(try route(text, path: "/x").addHeaders.first)
        #expect(added.isAlways && added.applies(toStatus: 500))
        #expect(added.value.expanded { $0 == .host ? "h" : "" } == "h")
    }

    @Test func `return of a server answers everything, of a location its own paths`() throws {
        let redirect = try route(
            "server { return 301 https://$host$request_uri; location /x { return 204; } }",
            path: "/x"
        )
        #expect(redirect.returns?.status == 301)
        #expect(redirect.returns?.isRedirect == true)
        let text = redirect.returns?.text?.expanded { $0 == .host ? "h" : "/p?q" }
        #expect(text == "https://h/p?q")
        let one = "server { root /a; location /x { return 200 \"hello\\n\"; location /x/y { } } }"
        #expect(try route(one, path: "/x").returns?.text?.constant == "hello\n")
        #expect(try route(one, path: "/x/y").returns == nil)
        #expect(try route(one, path: "/").returns == nil)
        #expect(try route("server { return http://x/; }").returns?.status == 302)
    }

    @Test func `types replace the built-in ones`() throws {
        let plain = try route("server { root /a; }")
        #expect(plain.mimeTypes.type(ofPath: "/a/b.HTML") == "text/html")
        #expect(plain.mimeTypes.type(ofPath: "/a.b/c") == "application/octet-stream")
        let text = "types { text/x-a a aa; text/x-b b; } default_type text/plain; server { root /a; }"
        let own = try route(text)
        #expect(own.mimeTypes.type(ofPath: "x.aa") == "text/x-a")
        #expect(own.mimeTypes.type(ofPath: "x.html") == "text/plain")
    }

    @Test func `access logs are numbered once per path`() throws {
        let text = """
            access_log logs/a;
            server {
                listen 80;
                root /a;
                location /off { access_log off; }
                location /b { access_log /var/b combined; }
            }
            server { listen 81; access_log logs/a; }
            """
        let read = try configuration(text)
        #expect(read.model.accessLogs.map(\.path) == ["/etc/logs/a", "/var/b"])
        #expect(try route(text).accessLog == 0)
        #expect(try route(text, path: "/off").accessLog == nil)
        #expect(try route(text, path: "/b").accessLog == 1)
        #expect(read.warnings.isEmpty)
    }

    @Test func `paths are relative to the folder of the file`() throws {
        let text = "server { root site/public; passenger_app_root site; passenger_enabled on; }"
        let route = try route(text)
        #expect(route.documentRoot == "/etc/site/public")
        #expect(route.app?.groupName == "/etc/site")
    }
}
