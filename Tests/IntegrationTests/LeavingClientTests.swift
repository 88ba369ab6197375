// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Clients that leave in the middle of answers without end, and what the application notices of it.
    @Suite(.enabled(if: Integration.hasRuby, "needs ruby"), .timeLimit(.minutes(1)))
    struct LeavingClientTests {
        private static let apps = [
            "wsgi": (
                file: "passenger_wsgi.py",
                text: """
                import time


                def application(environ, start_response):
                    start_response('200 OK', [])
                    return ticks() if environ['PATH_INFO'] == '/each' else [b'ok']


                def ticks():
                    try:
                        for _ in range(400):
                            yield b'tick'
                            time.sleep(0.05)
                    finally:
                        print('left /each', flush=True)

                """
            ),
            "rack": (
                file: "config.ru",
                text: """
                $stdout.sync = true
                class Ticks
                  def each
                    400.times { yield 'tick'; sleep 0.05 }
                  ensure
                    puts 'left /each'
                  end
                end
                write = lambda do |stream|
                  begin
                    400.times { stream.write('tick'); sleep 0.05 }
                  ensure
                    puts 'left /call'
                    stream.close
                  end
                end
                bodies = { '/each' => Ticks.new, '/call' => write }
                run lambda { |env| [200, {}, bodies.fetch(env['PATH_INFO'], ['ok'])] }

                """
            ),
        ]

        @Test(arguments: [("wsgi", "/each"), ("rack", "/each"), ("rack", "/call")])
        func `the next write fails, and the process is free for others`(_ name: String, _ path: String) throws {
            let app = try #require(Self.apps[name])
            let site = try Site(apps: [.init("ticks", from: nil)], httpSettings: ["passenger_max_instances 1;"])
            try site.directory.write(app.text, to: "apps/ticks/\(app.file)")
            try site.directory.write("", to: "apps/ticks/public/.keep")
            if let owner = Integration.owner(0) { try TestDirectory.give(site.root(of: "ticks"), to: owner) }
            try site.startDaemon()
            try site.startFront()
            do {
                let client = try HTTPConnection(port: site.port)
                try client.send("GET \(path) HTTP/1.1\r\nHost: ticks.localhost\r\n\r\n")
                #expect(try client.readResponse(toHead: true).status == 200)
                #expect(String(decoding: try client.read(9), as: UTF8.self) == "4\r\ntick\r\n")
            }
            let begun = ContinuousClock.now
            #expect(try site.page("ticks").text == "ok")
            #expect(ContinuousClock.now - begun < .seconds(10), "the answer would have gone on for twenty")
            try eventually("the application to see it") { site.log().contains("left \(path)") }
            #expect(!site.log().contains("Error"), "\(site.log())")
        }
    }
}
