// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import Testing

struct RoutingTests {
    private let any = ListenAddress.tcp(host: "0.0.0.0", port: 80)

    private func root(_ text: String, host: String, path: String = "/") throws -> String? {
        try configuration(text).model.route(listen: any, host: host, path: path).documentRoot
    }

    @Test(arguments: [
        ("a.example", "/a"), ("A.Example:80", "/a"), ("a.example.", "/a"), ("b.example", "/b"), ("x.wild.org", "/wild"),
        ("y.x.wild.org", "/wild"), ("wild.org", "/a"), ("deep.x.wild.org", "/wild"), ("in.deep.wild.org", "/deep"),
        ("dot.org", "/dot"), ("www.dot.org", "/dot"), ("other", "/a"), ("", "/a"), ("[::1]:80", "/six"), (":80", "/a"),
    ])
    func `the host chooses the server, the first one takes the rest`(host: String, expected: String) throws {
        let text = """
            server { server_name a.example; root /a; }
            server { server_name b.example c.example; root /b; }
            server { server_name *.wild.org; root /wild; }
            server { server_name *.deep.wild.org; root /deep; }
            server { server_name .dot.org; root /dot; }
            server { server_name [::1]; root /six; }
            """
        #expect(try root(text, host: host) == expected)
    }

    @Test func `default_server takes the rest of its address only`() throws {
        let text = """
            server { listen 80; listen 81; server_name a; root /a; }
            server { listen 80 default_server; listen 81; server_name b; root /b; }
            """
        let model = try configuration(text).model
        #expect(model.route(listen: any, host: "x", path: "/").documentRoot == "/b")
        let other = ListenAddress.tcp(host: "0.0.0.0", port: 81)
        #expect(model.route(listen: other, host: "x", path: "/").documentRoot == "/a")
    }

    @Test func `an address that nobody declared has nothing`() throws {
        let model = try configuration("server { root /a; }").model
        let route = model.route(listen: .unix(path: "/x"), host: "", path: "/")
        #expect(route === RouteModel.nothing)
    }

    @Test(arguments: [
        ("/", "/root"), ("/x", "/root"), ("/a", "/long"), ("/ab", "/long"), ("/a/b", "/longer"), ("/a/bc", "/longer"),
        ("/exact", "/exact"), ("/exact/", "/root"), ("/exactly", "/root"), ("/up", "/up"), ("/a/b/in", "/inner"),
    ])
    func `the longest prefix wins and = is exact`(path: String, expected: String) throws {
        let text = """
            server {
                root /root;
                location /a { root /long; }
                location /a/b { root /longer; location /a/b/in { root /inner; } }
                location = /exact { root /exact; }
                location ^~ /up { root /up; }
            }
            """
        #expect(try root(text, host: "", path: path) == expected)
    }

    @Test(arguments: [
        ("/sub", true), ("/sub/", true), ("/sub/x", true), ("/subX", false), ("/su", false), ("/", false),
    ])
    func `a base URI matches whole components only`(path: String, isSub: Bool) throws {
        let text = """
            server {
                root /main/public;
                passenger_enabled on;
                location /sub { alias /sub/public; passenger_base_uri /sub; passenger_app_root /sub; }
            }
            """
        let route = try configuration(text).model.route(listen: any, host: "", path: path)
        #expect(route.app?.groupName == (isSub ? "/sub" : "/main"))
        #expect(route.baseURI == (isSub ? "/sub" : ""))
        #expect(route.documentRoot == (isSub ? "/sub/public" : "/main/public"))
        #expect(route.stripPrefix == (isSub ? "/sub" : ""))
    }

    @Test func `the documented regular expression for apps below a path is understood`() throws {
        let text = """
            server {
                root /main/public;
                location ~ ^/sub(/.*|$) {
                    alias /sub/public$1;
                    passenger_base_uri /sub;
                    passenger_app_root /sub;
                    passenger_document_root /sub/public;
                    passenger_enabled on;
                }
            }
            """
        let model = try configuration(text).model
        let route = model.route(listen: any, host: "", path: "/sub/x")
        #expect(route.app?.settings["base_uri"] == "/sub")
        #expect(route.documentRoot == "/sub/public")
        #expect(model.route(listen: any, host: "", path: "/subX").app == nil)
    }

    @Test(arguments: ["/static/", "/static"])
    func `an alias leaves a path that begins with a slash`(location: String) throws {
        let text = "server { root /web; location \(location) { alias /files/; } }"
        let route = try configuration(text).model.route(listen: any, host: "", path: "/static/a.png")
        #expect(route.documentRoot == "/files")
        #expect(route.stripPrefix == "/static")
    }

    @Test func `a link in the document root leads to the app`() throws {
        let text = "server { root /web; passenger_base_uri /blog; passenger_base_uri /wiki; passenger_enabled on; }"
        let links = ["/web/blog": "/apps/blog/current/public", "/web/wiki": "../apps/wiki/public"]
        let model = try configuration(text, links: links).model
        let blog = model.route(listen: any, host: "", path: "/blog/x")
        #expect(blog.app?.settings["app_root"] == "/apps/blog/current")
        #expect(blog.documentRoot == "/web")
        #expect(blog.stripPrefix == "")
        #expect(blog.baseURI == "/blog")
        #expect(model.route(listen: any, host: "", path: "/wiki").app?.groupName == "/web/../apps/wiki")
        #expect(model.route(listen: any, host: "", path: "/").app == nil)
    }

    @Test(
        arguments: [
            ([], "/srv"), (["/srv/site/index.html"], nil), (["/srv/site/index.html", "/srv/config.ru"], "/srv"),
        ] as [([String], String?)]
    )
    func `beside links to apps there is one at the root only if it may be one`(_ files: [String], _ app: String?) throws
    {
        let text = "server { root /srv/site; passenger_base_uri /blog; passenger_enabled on; }"
        let model = try configuration(
            text,
            files: Dictionary(uniqueKeysWithValues: files.map { ($0, "") }),
            links: ["/srv/site/blog": "/srv/blog/public"]
        ).model
        #expect(model.route(listen: any, host: "", path: "/").app?.groupName == app)
        #expect(model.route(listen: any, host: "", path: "/blog/x").app?.groupName == "/srv/blog")
        #expect(model.route(listen: any, host: "", path: "/").documentRoot == "/srv/site")
    }

    @Test func `a start command needs no startup file beside links`() throws {
        let text = """
            server {
                root /srv/site; passenger_base_uri /blog; passenger_app_start_command "run"; passenger_enabled on;
            }
            """
        let model = try configuration(text, files: ["/srv/site/index.html": ""]).model
        #expect(model.route(listen: any, host: "", path: "/").app?.groupName == "/srv")
    }

    @Test func `with an app root of its own the app is at its base URIs only`() throws {
        let text = "server { root /web; passenger_base_uri /x; passenger_app_root /app; passenger_enabled on; }"
        let model = try configuration(text).model
        let route = model.route(listen: any, host: "", path: "/x/a.png")
        #expect(route.app?.groupName == "/app")
        #expect(route.documentRoot == "/app/public")
        #expect(route.stripPrefix == "/x")
        #expect(model.route(listen: any, host: "", path: "/y").app == nil)
    }

    @Test func `a location between server and base URI inherits it`() throws {
        let text = """
            server {
                root /web;
                passenger_base_uri /a/b;
                passenger_app_root /app;
                passenger_enabled on;
                location /a { client_max_body_size 5; }
                location /a/b/c { client_max_body_size 7; }
            }
            """
        let model = try configuration(text).model
        let inside = model.route(listen: any, host: "", path: "/a/b/x")
        #expect(inside.app != nil && inside.baseURI == "/a/b" && inside.clientMaxBodySize == 5)
        let deeper = model.route(listen: any, host: "", path: "/a/b/c")
        #expect(deeper.app != nil && deeper.baseURI == "/a/b" && deeper.clientMaxBodySize == 7)
        #expect(model.route(listen: any, host: "", path: "/a/x").app == nil)
    }
}
