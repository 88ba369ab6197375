// SPDX-License-Identifier: MIT

import FrontConfiguration
import Testing

struct LogDirectiveTests {
    @Test(arguments: [
        ("", nil, nil), ("error_log stderr;", nil, nil), ("error_log /dev/stderr warn;", nil, ErrorLogLevel.warn),
        ("error_log /var/e.log;", "/var/e.log", nil), ("error_log e.log emerg;", "/etc/e.log", .emerg),
        ("http { error_log /a debug; }", "/a", .debug), ("error_log /a info; http { error_log /b; }", "/b", .info),
    ])
    func `an error log has a file and a level`(text: String, path: String?, level: ErrorLogLevel?) throws {
        let model = try configuration(text).model
        #expect(model.errorLog == path && model.errorLogLevel == level)
    }

    @Test func `an access log has a file, and parameters that say how lines are collected`() throws {
        let text = """
            access_log a.log combined buffer=64k flush=5m if=$args;
            server { listen 81; location /off { access_log off; } location /b { access_log /b.log; } }
            """
        let model = try configuration(text).model
        #expect(
            model.accessLogs == [
                AccessLogModel(path: "/etc/a.log", bufferBytes: 65_536, flushTime: .seconds(300)),
                AccessLogModel(path: "/b.log"),
            ]
        )
        func route(_ path: String) throws -> RouteModel {
            let listen = try #require(model.listens.first?.address)
            return model.route(listen: listen, host: "x", path: path)
        }
        #expect(try route("/").accessLog == 0 && route("/").accessLogCondition != nil)
        #expect(try route("/off").accessLog == nil && route("/off").accessLogCondition == nil)
        #expect(try route("/b").accessLog == 1 && route("/b").accessLogCondition == nil)
    }

    @Test func `parameters need no format in front of them`() throws {
        let log = try configuration("access_log /a flush=2s;").model.accessLogs.first
        #expect(log == AccessLogModel(path: "/a", flushTime: .seconds(2)))
    }

    @Test func `limits of the worker are read`() throws {
        let model = try configuration("worker_rlimit_nofile 4096; events { use epoll; worker_connections 768; }").model
        #expect(model.workerOpenFiles == 4096 && model.workerConnections == 768)
        #expect(try configuration("events { }").model.workerConnections == nil)
    }
}
