// SPDX-License-Identifier: MIT

import SpawnPlan
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

/// What loaders do when they are told to do out-of-band work.
@Suite(
    .enabled(if: Machine.has("ruby") && Machine.has("python3") && Machine.has("node"), "needs Ruby, Python and Node")
)
struct OutOfBandWorkTests {
    enum Language: String, CaseIterable {
        case ruby, python, asgi, node

        var file: String {
            switch self {
            case .ruby: "config.ru"
            case .python: "passenger_wsgi.py"
            case .asgi: "passenger_asgi.py"
            case .node: "app.js"
            }
        }

        /// An app that calls `work` of its own for the event.
        func app(_ work: String) -> String {
            switch self {
            case .ruby:
                """
                PhusionPassenger.on_event(:oob_work) { \(work) }
                run lambda { |env| [200, {}, ['served']] }
                """
            case .python:
                """
                import sys
                import phusion_passenger

                @phusion_passenger.on_event('oob_work')
                def work():
                    \(work)

                def application(environ, start_response):
                    start_response('200 OK', [('Content-Length', '6')])
                    return [b'served']
                """
            case .asgi:
                """
                import phusion_passenger

                @phusion_passenger.on_event('oob_work')
                async def work():
                    \(work)

                async def application(scope, receive, send):
                    while scope['type'] == 'lifespan':
                        message = await receive()
                        await send({'type': message['type'] + '.complete'})
                    await send({'type': 'http.response.start', 'status': 200})
                    await send({'type': 'http.response.body', 'body': b'served'})
                """
            case .node:
                """
                PhusionPassenger.on('oob_work', () => { \(work) });
                require('http').createServer((request, response) => response.end('served')).listen(3000);
                """
            }
        }

        var printing: String {
            switch self {
            case .ruby: "puts 'at work'"
            case .python, .asgi: "print('at work', flush=True)"
            case .node: "console.log('at work')"
            }
        }

        var failing: String {
            switch self {
            case .ruby: "raise 'too tired'"
            case .python, .asgi: "raise Exception('too tired')"
            case .node: "throw new Error('too tired')"
            }
        }
    }

    private func app(_ language: Language, _ source: String) throws -> (SpawnBench, SpawnedProcess) {
        let bench = try SpawnBench()
        try bench.write(source, to: language.file)
        return (bench, try bench.start())
    }

    private func work(_ bench: SpawnBench, _ process: SpawnedProcess, times: Int = 1) throws {
        let before = bench.workDone(of: process)
        process.process.beginOutOfBandWork()
        try eventually("out-of-band work of \(process.pid)") { bench.workDone(of: process) == before + times }
    }

    @Test(arguments: Language.allCases)
    func `the app's handler is called before the answer, each time`(language: Language) throws {
        let (bench, process) = try self.app(language, language.app(language.printing))
        for _ in 0..<30 { try self.work(bench, process) }
        try eventually("30 lines") { bench.output(of: process) == Array(repeating: "at work", count: 30) }
    }

    @Test(arguments: Language.allCases)
    func `a handler that fails is reported, and called again the next time`(language: Language) throws {
        let (bench, process) = try self.app(language, language.app(language.failing))
        try self.work(bench, process)
        try self.work(bench, process)
        try eventually("a report") {
            bench.output(of: process).contains { $0.contains("in out-of-band work") }
                && bench.output(of: process).contains { $0.contains("too tired") }
        }
    }

    @Test(arguments: Language.allCases)
    func `without a handler the answer comes at once`(language: Language) throws {
        let plain = language.app(language.printing)
            .replacing("PhusionPassenger.on_event(:oob_work)", with: "proc")
            .replacing("@phusion_passenger.on_event('oob_work')", with: "")
            .replacing("PhusionPassenger.on(", with: "Array.of(")
        let (bench, process) = try self.app(language, plain)
        try self.work(bench, process)
        #expect(bench.output(of: process) == [])
    }

    @Test func `in Node the answer waits for asynchronous handlers`() throws {
        let source = """
            const { setTimeout: rest } = require('timers/promises');
            PhusionPassenger.on('oob_work', async () => { await rest(5); console.log('first'); });
            PhusionPassenger.on('oob_work', () => rest(10).then(() => console.log('second')));
            require('http').createServer((request, response) => response.end('served')).listen(3000);
            """
        let (bench, process) = try self.app(.node, source)
        try self.work(bench, process)
        try eventually("both lines") { bench.output(of: process) == ["first", "second"] }
    }

    // MARK: Middleware

    /// How the middleware is used, and how many requests go without and with the header.
    static let strategies = [
        ("3", [false, false, true, false, false, true]),
        ("strategy: :counting, frequency: 2", [false, true, false, true]),
        ("frequency: 1, logger: Logger.new($stdout)", [true, true]),
        ("{ 'a' => 1, strategy: :gctools_oobgc }", [true, true]),
    ]

    @Test(arguments: strategies)
    func `the Ruby middleware asks after every so many requests, and collects garbage`(
        use: String,
        asks: [Bool]
    ) throws {
        let (bench, process) = try self.app(
            .ruby,
            """
            require 'logger'
            require 'phusion_passenger/rack/out_of_band_gc'
            module GC
              module OOB
                def self.setup; puts 'setup'; end
                def self.run; GC.start; true; end
              end
            end
            GC.disable
            use PhusionPassenger::Rack::OutOfBandGc, \(use)
            PhusionPassenger.on_event(:oob_work) { puts "disabled: #{GC.disable}" }
            run lambda { |env| [200, { 'content-type' => 'text/plain' }.freeze, [GC.count.to_s]] }
            """
        )
        let client = try AppClient(process.address)
        var counts: [String] = []
        for isAsking in asks {
            try client.request("GET", "/")
            let answer = try client.answer()
            #expect(answer.head.contains("x-passenger-request-oob-work: true") == isAsking)
            counts.append(answer.body)
        }
        #expect(Set(counts).count == 1)
        try self.work(bench, process)
        try client.request("GET", "/")
        #expect(try client.answer().body != counts[0])
        // It is disabled as the app wants it.
        try eventually("the state of the collector") { bench.output(of: process).contains("disabled: true") }
        let isLogged = bench.output(of: process).contains { $0.contains("Garbage was collected out of band in") }
        #expect(isLogged == use.contains("logger"))
    }

    @Test(arguments: [
        ("0", "must be 1 or more"), ("strategy: :counting", "frequency"), ("'x'", "invalid value"),
        ("strategy: :weekly", "Unknown strategy :weekly"), ("strategy: :gctools_oobgc", "gctools"),
    ])
    func `what the middleware is given is checked when the app loads`(use: String, says: String) throws {
        let bench = try SpawnBench()
        try bench.write(
            """
            require 'phusion_passenger/rack/out_of_band_gc'
            use PhusionPassenger::Rack::OutOfBandGc, \(use)
            run lambda { |env| [200, {}, []] }
            """,
            to: "config.ru"
        )
        let failure = try #require(try bench.failure())
        #expect(failure.summary.contains(says))
    }

    @Test func `the Python middleware asks after every so many requests, and collects garbage`() throws {
        let (bench, process) = try self.app(
            .python,
            """
            import gc
            import phusion_passenger

            gc.disable()

            def serve(environ, start_response):
                start_response('200 OK', [('Content-Type', 'text/plain')])
                cycle = []
                cycle.append(cycle)
                return [str(gc.get_count()[0]).encode()]

            application = phusion_passenger.OutOfBandGc(serve, 3)

            @phusion_passenger.on_event('oob_work')
            def tell():
                print('left', gc.collect(), flush=True)
            """
        )
        let client = try AppClient(process.address)
        for isAsking in [false, false, true, false, false, true] {
            try client.request("GET", "/")
            #expect(try client.answer().head.contains("X-Passenger-Request-OOB-Work: true") == isAsking)
        }
        try self.work(bench, process)
        // What the first handler has collected is not there for the second one.
        try eventually("its line") { bench.output(of: process) == ["left 0"] }
    }
}
