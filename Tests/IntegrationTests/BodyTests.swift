// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Large bodies both ways; front and daemon keep no body in memory.
    @Suite(
        .enabled(if: Integration.hasRuby && Integration.hasNode && Machine.has("curl"), "needs ruby, node and curl"),
        .timeLimit(.minutes(3))
    )
    struct BodyTests {
        private static let length = 100 << 20
        /// More than buffers need, less than half a body.
        private static let growthKilobytes = 40 << 10

        @Test(arguments: ["rack", "wsgi", "node"])
        func `100 MiB go through unchanged in both directions with constant memory`(_ app: String) throws {
            let site = try Site.running(
                [.init(app, from: app, owner: Integration.owner(0))],
                httpSettings: ["client_max_body_size 0;"]
            )
            _ = try site.page(app)
            let watched = [try #require(try site.workerPIDs().first), try site.corePID()]
            let before = watched.compactMap { ProcessFacts(pid: $0)?.residentHighWaterKilobytes }

            let script = """
                set -eu -o pipefail
                cd \(site.directory.path)
                head -c \(Self.length) /dev/urandom > upload
                sum=$(sha256sum < upload)
                url=http://\(app).localhost:\(site.port)
                resolve="--resolve \(app).localhost:\(site.port):127.0.0.1"
                for kind in "Content-Length: \(Self.length)" "Transfer-Encoding: chunked"; do
                    echo "up $(curl -sS $resolve -H "$kind" -H Expect: -T upload "$url/echo") wanted ${sum%% *}"
                done
                pattern=$(/usr/bin/python3 -c '
                import hashlib
                digest = hashlib.sha256()
                for _ in range(\(Self.length >> 16)): digest.update(bytes(range(256)) * 256)
                print(digest.hexdigest())')
                down=$(curl -sS $resolve "$url/download?bytes=\(Self.length)" | sha256sum)
                echo "down ${down%% *} wanted $pattern"
                slow=$(curl -sS $resolve --limit-rate 40M "$url/download?bytes=\(Self.length)" | sha256sum)
                echo "slow ${slow%% *} wanted $pattern"
                """
            let outcome = try Shell.script(script)
            #expect(outcome.status == .exited(0), "\(outcome.output)\n\(site.log().suffix(2000))")
            let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
            #expect(lines.count == 4, "\(outcome.output)")
            for line in lines where line.count >= 4 {
                #expect(line[line.count - 3] == line[line.count - 1], "\(line)")
                if line[0] == "up" { #expect(line[1] == String(Self.length)[...], "\(line)") }
            }
            let after = watched.compactMap { ProcessFacts(pid: $0)?.residentHighWaterKilobytes }
            #expect(after.count == 2, "front and core are those of the beginning")
            for (old, new) in zip(before, after) { #expect(new - old < Self.growthKilobytes, "\(before) → \(after)") }
        }
    }
}
