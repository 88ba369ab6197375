// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

/// The session transport as both of its loaders speak it: one app in two languages.
@Suite(.enabled(if: Machine.has("ruby") && Machine.has("python3"), "needs Ruby and Python"))
struct SessionLoaderTests {
    enum Language: String, CaseIterable {
        case ruby, python

        var file: String { self == .ruby ? "config.ru" : "passenger_wsgi.py" }
        var app: String { self == .ruby ? SessionApps.rack : SessionApps.wsgi }
    }

    private func app(_ language: Language) throws -> (SpawnBench, SpawnedProcess) {
        let bench = try SpawnBench()
        try bench.write(language.app, to: language.file)
        return (bench, try bench.start())
    }

    @Test(arguments: Language.allCases)
    func `a stream serves one request after the other`(language: Language) throws {
        let (bench, process) = try app(language)
        defer { withExtendedLifetime(bench) {} }
        #expect(process.transport.isSession && process.concurrency == 1)
        let client = try AppClient(process.address)
        for _ in 0..<3 {
            try client.request("GET", "/hello?a=b")
            let answer = try client.answer()
            #expect(answer.head.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.body == "hello a=b")
        }
        try client.request("HEAD", "/hello")
        #expect(try client.answer(headOnly: true).head.hasPrefix("HTTP/1.1 200"))
        try client.request("GET", "/nothing")
        #expect(try client.answer().head.contains(" 204 "))
        try client.request("GET", "/hello")
        #expect(try client.answer().body == "hello ")
    }

    @Test(arguments: Language.allCases)
    func `idle streams do not block each other`(language: Language) throws {
        let (bench, process) = try app(language)
        defer { withExtendedLifetime(bench) {} }
        let clients = try (0..<8).map { _ in try AppClient(process.address) }
        for round in 0..<3 {
            for client in clients.shuffled() {
                try client.request("GET", "/hello?\(round)")
                #expect(try client.answer().body == "hello \(round)")
            }
        }
    }

    @Test(arguments: Language.allCases)
    func `a head in pieces is put together`(language: Language) throws {
        let (bench, process) = try app(language)
        defer { withExtendedLifetime(bench) {} }
        let client = try AppClient(process.address)
        let block = Array(
            "REQUEST_METHOD\0GET\0PATH_INFO\0/hello\0QUERY_STRING\0x\0REQUEST_URI\0/hello\0SCRIPT_NAME\0\0".utf8
        )
        for byte in [0, 0, 0, UInt8(block.count)] + block {
            try client.send([byte])
            pause(.microseconds(200))
        }
        #expect(try client.answer().body == "hello x")
    }

    @Test(arguments: Language.allCases)
    func `bodies are read by length or to the end of the stream`(language: Language) throws {
        let (bench, process) = try app(language)
        defer { withExtendedLifetime(bench) {} }
        let client = try AppClient(process.address)
        try client.request("POST", "/echo", [("CONTENT_LENGTH", "5")], body: Array("abcde".utf8))
        #expect(try client.answer().body == "abcde")
        try client.request("POST", "/count", [("CONTENT_LENGTH", "3000000")])
        try client.send([UInt8](repeating: 120, count: 3_000_000))
        #expect(try client.answer().body == "3000000")
        try client.request("POST", "/echo", [("HTTP_TRANSFER_ENCODING", "chunked")], body: Array("until the end".utf8))
        try client.finishSending()
        #expect(try client.answer().body == "until the end")
        #expect(try client.isClosedByApp())
        // The end of such a body does not say that nobody waits for the rest of the answer.
        let other = try AppClient(process.address)
        try other.request("POST", "/twice", [("HTTP_TRANSFER_ENCODING", "chunked")], body: Array("abc".utf8))
        try other.finishSending()
        #expect(try other.answer().body == "3\r\nabc\r\n1\r\n.\r\n0\r\n\r\n")
    }

    @Test(arguments: Language.allCases)
    func `a body left unread uses the stream up, the answer arrives`(language: Language) throws {
        let (bench, process) = try app(language)
        defer { withExtendedLifetime(bench) {} }
        let client = try AppClient(process.address)
        try client.request("POST", "/hello", [("CONTENT_LENGTH", "5")], body: Array("abcde".utf8))
        #expect(try client.answer().head.contains("Connection: close") == false)
        try client.request(
            "POST",
            "/hello",
            [("CONTENT_LENGTH", "500000")],
            body: [UInt8](repeating: 1, count: 100_000)
        )
        let answer = try client.answer()
        #expect(answer.body == "hello " && answer.head.contains("Connection: close"))
        #expect(try client.isClosedByApp())
    }

    @Test(arguments: Language.allCases)
    func `answers of unknown length are chunked, wrong lengths end the stream`(language: Language) throws {
        let (bench, process) = try app(language)
        defer { withExtendedLifetime(bench) {} }
        let client = try AppClient(process.address)
        try client.request("GET", "/parts")
        #expect(try client.answer().body == "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        try client.request("GET", "/short")
        let answer = try client.answer()
        #expect(answer.body == "abc" && answer.isClosed)
        try eventually("the log line") { bench.allOutput.contains { $0.contains("3 bytes, but Content-Length 10") } }
    }

    @Test(arguments: Language.allCases)
    func `an exception answers 500 and is logged`(language: Language) throws {
        let (bench, process) = try app(language)
        let client = try AppClient(process.address)
        try client.request("GET", "/raise")
        #expect(try client.answer().head.hasPrefix("HTTP/1.1 500 "))
        try eventually("the log line") { bench.allOutput.contains { $0.contains("boom") } }
        try client.request("GET", "/hello")
        #expect(try client.answer().body == "hello ")
    }

    @Test(arguments: Language.allCases)
    func `whatever the app raises is answered, and what would break a head or a length`(language: Language) throws {
        let (bench, process) = try app(language)
        defer { withExtendedLifetime(bench) {} }
        let client = try AppClient(process.address)
        for path in ["/reset", "/bare", "/inject", "/long", "/raise"] {
            try client.request("GET", path)
            let answer = try client.answer()
            #expect(answer.head.hasPrefix("HTTP/1.1 500 ") && !answer.head.contains("Evil"), "\(path)")
        }
        try client.request("GET", "/hello")
        #expect(try client.answer().body == "hello ")
    }

    @Test(arguments: Language.allCases)
    func `bytes behind a request end the stream`(language: Language) throws {
        let (bench, process) = try app(language)
        defer { withExtendedLifetime(bench) {} }
        let client = try AppClient(process.address)
        try client.request("POST", "/echo", [("CONTENT_LENGTH", "1")], body: Array("ab".utf8))
        #expect(try client.isClosedByApp())
    }

    @Test func `an app's own chunks end the stream`() throws {
        let (bench, process) = try app(.ruby)
        defer { withExtendedLifetime(bench) {} }
        let client = try AppClient(process.address)
        try client.request("GET", "/raw")
        let answer = try client.answer()
        #expect(answer.head.contains("Connection: close") && answer.body == "1\r\na\r\n0\r\n\r\n")
        #expect(try client.isClosedByApp())
    }

    @Test func `lines of a body are whole, however it comes`() throws {
        let (bench, process) = try app(.ruby)
        defer { withExtendedLifetime(bench) {} }
        let client = try AppClient(process.address)
        let lines =
            [300_000, 1, 70_000, 5].flatMap { [UInt8](repeating: 120, count: $0 - 1) + [10] } + Array("end".utf8)
        try client.request("POST", "/lines", [("CONTENT_LENGTH", "\(lines.count)")])
        try client.send(lines)
        #expect(try client.answer().body == "[300000, 1, 70000, 5, 3]")
    }

    @Test func `a compressed file is sent as it reads, not as it lies`() throws {
        let (bench, process) = try app(.python)
        defer { withExtendedLifetime(bench) {} }
        let client = try AppClient(process.address)
        try client.request("GET", "/gzip")
        #expect(try client.answer().body == "8\r\nunzipped\r\n0\r\n\r\n")
    }

    @Test(arguments: [
        (
            "config.ru",
            """
            require 'uri' # which Rack::Lint forgets
            require 'rack/lint'
            use Rack::Lint
            run lambda { |env| [200, { 'content-type' => 'text/plain' }, [env['rack.input'].read || '']] }
            """
        ),
        (
            "passenger_wsgi.py",
            """
            from wsgiref.validate import validator

            @validator
            def application(environ, start_response):
                start_response('200 OK', [('Content-Type', 'text/plain')])
                return [environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH', 0)))]
            """
        ),
    ])
    func `the interface holds before its own checker`(file: String, text: String) throws {
        let bench = try SpawnBench()
        try bench.write(text, to: file)
        let client = try AppClient(try bench.start().address)
        for _ in 0..<2 {
            try client.request("POST", "/a?b", [("CONTENT_LENGTH", "5")], body: Array("hello".utf8))
            let answer = try client.answer()
            #expect(answer.head.hasPrefix("HTTP/1.1 200 ") && answer.body.contains("hello"))
            try client.request("GET", "/")
            #expect(try client.answer().head.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `Rack sees the path as it was sent, WSGI decoded`() throws {
        let (rackBench, rack) = try app(.ruby)
        let (wsgiBench, wsgi) = try app(.python)
        defer { withExtendedLifetime((rackBench, wsgiBench)) {} }
        for (process, expected) in [(rack, "/path/a%20b%2525"), (wsgi, "/path/a b%25")] {
            let client = try AppClient(process.address)
            try client.request("GET", "/path/a%20b%2525?q", pathInfo: "/path/a b%25")
            #expect(try client.answer().body == expected)
        }
    }

    @Test func `Rack apps may take the socket over, or a part of it`() throws {
        let (bench, process) = try app(.ruby)
        defer { withExtendedLifetime(bench) {} }
        for (path, expected) in [
            ("/hijack", "full"), ("/hijack_io", "full"), ("/partial", "part"),
        ] {
            let client = try AppClient(process.address)
            try client.request("GET", path)
            let answer = try client.answer()
            #expect(answer.body == expected && answer.isClosed)
        }
        let client = try AppClient(process.address)
        try client.request("GET", "/stream")
        #expect(try client.answer().body == "6\r\nstream\r\n0\r\n\r\n")
    }

    @Test(arguments: Language.allCases)
    func `the process is named, sits in its root, and its children inherit no channel`(language: Language) throws {
        let (bench, process) = try app(language)
        let client = try AppClient(process.address)
        try client.request("GET", "/descriptors")
        #expect(try client.answer().body == "0 1 2")
        let title = language == .ruby ? "Passenger RackApp: " : "Passenger WsgiApp: "
        #expect(ProcInfo.arguments(of: process.pid).first?.hasPrefix(title + bench.appRoot) == true)
        #expect(ProcInfo(pid: process.pid)?.command == String(title.prefix(15)))
        #expect(try Files.readLink("/proc/\(process.pid)/cwd") == bench.appRoot)
    }

    @Test(arguments: Language.allCases)
    func `told to stop, a process ends by itself and says goodbye`(language: Language) throws {
        let (bench, process) = try app(language)
        process.process.terminate()
        let exit = try bench.exit(of: process)
        #expect(exit.status == .exited(0) && exit.wasExpected)
        #expect(bench.output(of: process).last == "goodbye")
        #expect(try Files.list(bench.directory.file("sockets")).isEmpty)
    }

    @Test(arguments: Language.allCases)
    func `TERM ends a process after the request that it is at`(language: Language) throws {
        let (bench, process) = try app(language)
        let client = try AppClient(process.address)
        try client.request("GET", "/slow")
        try eventually("the request to arrive") { bench.output(of: process).contains("slow") }
        try ProcessHandle(pid: process.pid).signal(.hangUp)
        try ProcessHandle(pid: process.pid).signal(.terminate)
        #expect(try client.answer().body == "late")
        #expect(try bench.exit(of: process).status == .exited(0))
    }
}
