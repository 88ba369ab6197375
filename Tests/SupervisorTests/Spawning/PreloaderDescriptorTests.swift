// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing

@testable import Supervisor

/// What preloaders do with the descriptors that come with an order.
struct PreloaderDescriptorTests {
    /// What a loader does before it becomes a preloader; the second argument is how many descriptors there is room for.
    private static let preloaders = [
        "ruby": """
        require 'socket'
        CONTROL = IO.for_fd(4, 'r+b', autoclose: false)
        module FlyingPassenger
          module Output
            def self.tell(*) = nil
            def self.flush = nil
          end
          module Boot
            def self.name_process(*) = nil
          end
          module Control
            def self.tell(line) = CONTROL.syswrite("#{line}\\n")
            def self.escape(text, limit) = text[0, limit]
          end
        end
        require "#{ARGV[0]}/ruby/flying_passenger/preloader"
        preloader = FlyingPassenger::Preloader.new
        probe = File.open('/dev/null')
        limit = probe.fileno + Integer(ARGV[1])
        probe.close
        Process.setrlimit(Process::RLIMIT_NOFILE, limit, limit)
        preloader.run
        exit!(0)

        """,
        "python3": """
        import os, resource, sys
        sys.dont_write_bytecode = True
        sys.path.insert(0, sys.argv[1])
        import flying_passenger_preloader
        tell = lambda line: os.write(4, (line + '\\n').encode())
        preloader = flying_passenger_preloader.Preloader(tell, lambda: None)
        probe = os.dup(0)
        os.close(probe)
        limit = probe + int(sys.argv[2])
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        preloader.run()
        os._exit(0)

        """,
    ]

    /// Plays the daemon: two orders, the answer to each, and how the preloader ends.
    private static let daemon = """
        import fcntl, os, socket, subprocess, sys
        ours, theirs = socket.socketpair()
        high = [fcntl.fcntl(number, fcntl.F_DUPFD, 40) for number in (os.open('/dev/null', os.O_RDWR), theirs.fileno())]
        def place():
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)
        program = subprocess.Popen(sys.argv[1:], preexec_fn=place, close_fds=False)
        theirs.close()
        os.close(high[1])
        print(ours.recv(100).decode().strip())
        for _ in range(2):
            control, other = socket.socketpair()
            output = os.pipe()
            socket.send_fds(ours, [b'fork name\\n'], [high[0], other.fileno(), output[1]])
            other.close()
            os.close(output[1])
            control.settimeout(20)
            said = control.recv(1000).decode().strip()
            print(said)
            if said == 'worker name':
                control.sendall(b'start\\n')
        ours.close()
        print('ended with', program.wait(20))

        """

    @Test(arguments: ["ruby", "python3"].filter { Machine.has($0) }, [20, 2])
    func `one without room for the descriptors of a fork says so, and forks nothing`(_ name: String, room: Int) throws {
        let directory = try TestDirectory("fp-preload.")
        try LoaderFiles.install(into: directory.file("loaders"))
        try directory.write(try #require(Self.preloaders[name]), to: "preloader")
        try directory.write(Self.daemon, to: "daemon.py")
        let outcome = try Shell.run(
            ["python3", "daemon.py", name, directory.file("preloader"), directory.file("loaders"), "\(room)"],
            in: directory.path,
            within: .seconds(60)
        )
        let lines = outcome.output.split(separator: "\n").map(String.init)
        try #require(lines.count == 4 && lines[0] == "preloaded" && lines[3] == "ended with 0", "\(outcome.output)")
        for line in lines[1...2] {
            #expect(room > 2 ? line == "worker name" : line.hasPrefix("failed ") && line.contains("open files"))
        }
    }
}
