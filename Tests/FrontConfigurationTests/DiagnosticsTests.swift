// SPDX-License-Identifier: MIT

import FrontConfiguration
import Testing

struct DiagnosticsTests {
    private func warnings(_ text: String) throws -> [String] {
        try configuration(text).warnings.map(\.description)
    }

    @Test func `a file without http is read as its content`() throws {
        let model = try configuration("user web staff; pid run/f.pid; server { listen 81; root /a; }").model
        #expect(model.user == "web" && model.userGroup == "staff" && model.pidFile == "/etc/run/f.pid")
        #expect(model.listens.map(\.address.port) == [81])
    }

    @Test func `a setting for nginx's proxying is known, and a warning says that it does nothing`() throws {
        let warnings = try warnings("server { listen 81; root /a; proxy_http_version 1.1; }")
        #expect(warnings.contains { $0.contains("proxy_http_version") })
    }

    @Test func `no server at all is legal`() throws {
        #expect(try configuration("").model.listens.isEmpty)
        #expect(try configuration("events { worker_connections 9; } http { }").model.servers.isEmpty)
    }

    @Test func `a server without listen listens on port 80`() throws {
        let listens = try configuration("server { root /a; }").model.listens
        #expect(listens == [FrontModel.Listen(address: .tcp(host: "0.0.0.0", port: 80))])
    }

    @Test(arguments: [
        ("bogus_thing 1;", "unknown directive \"bogus_thing\""),
        ("server { passenger_usre joe; }", "did you mean \"passenger_user\"?"),
        ("server { PassengerUser joe; }", "did you mean \"passenger_user\"?"),
        ("PassengerMinInstances 1;", "did you mean \"passenger_min_instances\"?"),
        ("server { DocumentRoot /a; }", "did you mean \"root\"?"),
        ("RailsEnv x;", "did you mean \"rails_env\"?"),
        ("server { root; }", "wrong number of arguments (0)"),
        ("server { root /a /b; }", "wrong number of arguments (2)"),
        ("server { root /a; root /b; }", "\"root\" is given twice in this block"),
        ("server { passenger_user a; passenger_user b; }", "\"passenger_user\" is given twice in this block"),
        ("server { rails_env a; rack_env b; }", "\"rack_env\" is given twice in this block"),
        ("server { passenger_min_instances x; }", "\"passenger_min_instances x\": is not a whole number"),
        ("server { passenger_enabled maybe; }", "must be \"on\" or \"off\""),
        ("server { passenger_env_var A; }", "takes a name and a value"),
        ("server { passenger_env_var A=B C; }", "the name contains \"=\""),
        ("server { passenger_ruby a b; }", "takes one argument, not 2"),
        ("server { passenger_ruby; }", "takes one argument, not 0"),
        ("server { passenger_ruby { } }", "takes no block"),
        ("server { passenger_fly_with /x; }", "it belongs in http"),
        ("http { } passenger_fly_with /x;", "it belongs in http"),
        ("http { } server { }", "it belongs in http"),
        ("http { user x; }", "it belongs in the top level"),
        ("listen 80;", "it belongs in server"),
        ("server { alias /x; }", "it belongs in location"),
        ("server;", "needs a block"),
        ("server { listen nowhere:80; }", "no numeric address"),
        ("server { listen 80 ssl; }", "ssl is not supported yet; let TLS end in front of this program"),
        ("server { listen 80 proxy_protocol; }", "proxy_protocol is not supported yet"),
        ("server { listen 80 shiny; }", "unknown parameter \"shiny\""),
        ("server { listen 80; listen *:80; }", "is given twice in this server"),
        ("server { listen 80; listen 127.0.0.1:80; }", "takes these connections as well"),
        ("server { server_name www.*; }", "only whole names and *.suffix"),
        ("server { server_name ~^x; }", "only whole names and *.suffix"),
        ("server { location ~ \\.php$ { } }", "write a location for each prefix, such as location ^~ /assets/"),
        ("server { location ~ ^/(assets|packs)/ { } }", "write location ^~ /assets/ and one for /packs/"),
        ("server { location ~* ^/img { } }", "write location ^~ /img"),
        ("server { location ~ ^/(?:a|b-c|d)/x.* { } }", "write location ^~ /a/x and one for /b-c/x, /d/x"),
        ("server { location ~ ^/(a|b)(/.*|$) { } }", "write location ^~ /a and one for /b"),
        ("server { location ~ ^/(a|[bc])/ { } }", "write a location for each prefix"),
        ("server { location ~ ^/a(b { } }", "write a location for each prefix"),
        ("server { location x { } }", "must begin with /"),
        ("server { location @x { } }", "named locations are not supported"),
        ("server { location /a { } location /a { } }", "given twice"),
        ("server { location /a { location /b { } } }", "is outside of location \"/a\""),
        ("server { listen 80 default_server; } server { listen 80 default_server; }", "default server already"),
        ("server { passenger_enabled on; }", "needs \"root\" or \"passenger_app_root\""),
        ("server { root /a/public; passenger_enabled on; passenger_startup_file x; }", "needs app_type as well"),
        ("server { deny all; }", "\"deny\" cannot be used"),
        ("server { deny all; }", "keep that location in the web server in front"),
        (
            "server { passenger_memory_max 1m; root /a/public; passenger_enabled on; }",
            "\"passenger_memory_max 1m\": is less"
        ),
        ("server { allow 10.0.0.0/8; }", "\"allow\" cannot be used"),
        ("server { limit_rate 10k; }", "\"limit_rate\" cannot be used"),
        ("server { disable_symlinks if_not_owner; }", "\"disable_symlinks\" cannot be used"),
        ("auth_basci off;", "did you mean \"auth_basic\"?"),
        ("sendfiel on;", "did you mean \"sendfile\"?"),
        ("server { rewrite_by_lua_block { if x then return end } }", "there is no Lua here"),
        ("events { worker_connections many; }", "is not a whole number"),
        ("events { root /a; }", "it belongs in http or server or location"),
        ("worker_connections 9;", "it belongs in events"),
        ("worker_rlimit_nofile 1;", "\"worker_rlimit_nofile 1\""),
        ("error_log /x loud;", "there is no level \"loud\", only debug, info, notice, warn"),
        ("error_log syslog:server=unix:/dev/log;", "syslog is not supported"),
        ("error_log memory:32m debug;", "a log in memory is not supported"),
        ("error_log off;", "cannot be switched off"),
        ("error_log logs/$host.log;", "variables are not supported in the path of a log"),
        ("access_log syslog:server=10.0.0.1;", "syslog is not supported"),
        ("access_log /var/log/$host.log;", "variables are not supported in the path of a log"),
        ("access_log /x combined gzip=5;", "logs are not compressed here"),
        ("access_log /x combined gzip;", "logs are not compressed here"),
        ("access_log /x combined if=$loggable;", "unknown variable $loggable"),
        ("access_log /x combined if=;", "the condition is missing"),
        ("access_log /x combined buffer=lots;", "is not a size"),
        ("access_log /x combined buffer=0;", "the buffer is from 1"),
        ("access_log /x combined flush=soon;", "is not a time"),
        ("access_log /x combined shiny;", "unknown parameter \"shiny\""),
        ("access_log off if=$args;", "takes nothing else"),
        ("access_log /x; server { access_log /x combined flush=5s; }", "with another buffer= or flush="),
        ("server_tokens maybe;", "\"server_tokens\" is \"on\", \"off\""),
        ("server { auth_basic x; }", "\"auth_basic\" cannot be used"),
        ("server { location / { proxy_pass http://x; } }", "\"proxy_pass\" cannot be used"),
        ("server { if ($host) { return 403; } }", "\"if\" cannot be used"),
        ("server { ssl on; }", "TLS is not supported yet"),
        ("server { ssl_verify_client on; }", "\"ssl_verify_client\" cannot be used: access rules"),
        ("server { return 999; }", "no status code"),
        ("server { return what; }", "no status code"),
        ("server { return 200 $nothing; }", "unknown variable $nothing"),
        ("server { return 200 $hsot; }", "did you mean $host?"),
        ("server { add_header \"X Y\" 1; }", "is no header name"),
        ("server { add_header X 1 sometimes; }", "can only be \"always\""),
        ("server { add_header X \"a\\nb\"; }", "contains a control character"),
        ("client_max_body_size big;", "is not a size"),
        ("keepalive_timeout soon;", "is not a time"),
        ("types { text/html; }", "\"types\" holds lines"),
        ("worker_processes none;", "is not a whole number"),
        ("server { passenger_app_root relative/../x; passenger_base_uri x; }", "must begin with /"),
    ])
    func `mistakes are errors that say what to do`(text: String, message: String) {
        let found = errors(text)
        #expect(found.contains { $0.contains(message) }, "\(found)")
        #expect(found.allSatisfy { $0.hasPrefix("/etc/front.conf:1: error: ") })
    }

    @Test func `all errors are found at once`() {
        #expect(
            errors("a;\nserver {\n root;\n listen x:1;\n}").map { $0.prefix(18) } == [
                "/etc/front.conf:1:", "/etc/front.conf:3:", "/etc/front.conf:4:",
            ]
        )
    }

    @Test func `all is said file by file, in the order of the lines`() throws {
        let text = "http {\nserver {\nlocation /a { allow 10.0.0.1; }\nroot;\n}\ninclude b.conf;\nnonsense;\n}"
        let found = errors(text, files: ["/etc/b.conf": "\nserver { listen x:1; }"])
        #expect(
            found.map { $0.split(separator: ": ")[0] }
                == ["/etc/front.conf:3", "/etc/front.conf:4", "/etc/front.conf:7", "/etc/b.conf:2"]
        )
    }

    @Test func `a wrong value that several locations inherit is told once`() {
        let text = """
            server { passenger_memory_max 1m; root /a/public; passenger_enabled on; location /b { } location /c { } }
            """
        #expect(errors(text).count == 1)
    }

    @Test(arguments: [(0, 0, nil), (1, 0, "1 error"), (0, 2, "2 warnings"), (11, 1, "11 errors and 1 warning")])
    func `diagnostics are counted`(errors: Int, warnings: Int, text: String?) {
        let place = SourceLocation(file: "f", line: 1)
        let all =
            Array(repeating: place.error("e"), count: errors) + Array(repeating: place.warning("w"), count: warnings)
        #expect(all.counts == text)
    }

    @Test(arguments: [
        (
            "server { ssl_certificate /x; listen 81; }",
            "\"ssl_certificate\" has no effect here, because no connection is TLS"
        ),
        ("ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;", "it ends in front of this program"),
        ("passenger_max_pool_size 9;", "start flying-passenger with --max-pool-size"),
        ("passenger_log_level 2;", "start flying-passenger with --log-level"),
        ("server { passenger_default_user x; }", "start flying-passenger with --default-user"),
        ("passenger_root /usr;", "\"passenger_root\" has no effect"),
        ("passenger_use_global_queue on;", "\"passenger_use_global_queue\" has no effect"),
        ("gzip on; gzip_types a b c;", "answers are not compressed"),
        ("sendfile on;", "there is nothing to tune"),
        ("server { root /a; try_files $uri @x; }", "\"try_files\" has no effect"),
        ("passenger_rolling_restarts on;", "known but has no effect in this version"),
        ("server { listen 80; server_name a; } server { listen 80; server_name a; }", "is taken by an earlier server"),
        ("server { access_log /x main; }", "the format is always combined"),
        ("server { error_log /x; }", "\"error_log\" has no effect here, because all servers share one log"),
        ("server { server_tokens off; }", "has an effect in http only"),
        ("upstream a { server 10.0.0.1; } server { proxy_set_header X y; }", "\"proxy_set_header\" has no effect here"),
        ("passenger_ctl a;", "the daemon has nothing like it yet"),
    ])
    func `what has no effect is a warning`(text: String, message: String) throws {
        #expect(try warnings(text).contains { $0.contains(message) && $0.contains(":1: warning: ") })
    }

    @Test func `what asks for nothing that is not so anyway is accepted without a word`() throws {
        let text = "http { auth_basic off; server { allow all; satisfy any; autoindex off; disable_symlinks off; } }"
        #expect(try warnings(text) == [])
    }

    @Test func `server_tokens says the same as the setting of Passenger, which wins`() throws {
        func shows(_ text: String) throws -> Bool { try configuration(text).model.showVersionInHeader }
        #expect(try shows(""))
        #expect(try !shows("server_tokens off;"))
        #expect(try shows("server_tokens build;"))
        #expect(try shows("passenger_show_version_in_header on; server_tokens off;"))
    }

    @Test func `a directive without effect is warned about once`() throws {
        let text = "sendfile on; server { sendfile off; listen 80; } server { sendfile on; listen 81; }"
        #expect(try warnings(text).count == 1)
    }

    @Test func `a warning keeps its place`() throws {
        #expect(try warnings("\n\nsendfile on;").first?.hasPrefix("/etc/front.conf:3: warning: ") == true)
    }

    @Test func `several files are read one after the other`() throws {
        let files = InMemoryFiles(files: [
            "/a/one.conf": "passenger_fly_with x.sock; server { listen 81; root r; }",
            "/b/two.conf": "http { server { listen 82; } }",
        ])
        let model = try FrontConfiguration(paths: ["/a/one.conf", "/b/two.conf"], files: files).model
        #expect(model.flyWith == "/a/x.sock")
        #expect(model.listens.map(\.address.port) == [81, 82])
    }
}
