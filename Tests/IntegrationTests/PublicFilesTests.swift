// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// What users get the front's worker to publish that they may not read themselves, and what they may link to.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and mount namespaces"), .timeLimit(.minutes(1)))
    struct PublicFilesTests {
        /// Made in the directory of applications, as root; www-data is Mary's friend, and Joe is not.
        private static let arrangement = """
            set -e
            umask 022
            app() { mkdir -p $1; cp ../probe $1/passenger_wsgi.py; }
            mkdir -p mary/private; echo secret > mary/private/key.txt; echo public > mary/public.txt
            mkdir -p mary/hidden/public; echo secret > mary/hidden/public/key.txt
            chown -R 7002:33 mary; chmod 750 mary/private mary/hidden; chmod 640 mary/private/key.txt mary/hidden/public/key.txt

            # A character that Swift takes for one with the slash behind it.
            app marked; mkdir marked/public; ln -s ../../mary/private "marked/public/x$(printf '\\xd8\\x80')"
            ln -s ../../mary/private marked/public/x; ln -s ../../mary/private/key.txt marked/public/file.txt
            # The document root itself, and what is above it.
            app rooted; ln -s ../mary/private rooted/public
            app above; mkdir above/releases; ln -s ../../mary/hidden above/releases/1; ln -s releases/1 above/current
            chown -hR 7001:7001 marked rooted above

            # What people have.
            app shop/releases/1; mkdir -p shop/releases/1/public/assets shop/shared/uploads/deep
            echo upload > shop/shared/uploads/deep/a.txt; echo asset > shop/releases/1/public/assets/b.txt
            ln -s ../../../shared/uploads shop/releases/1/public/uploads; ln -s releases/1 shop/current
            ln -s ../../../shared/uploads/deep/a.txt shop/releases/1/public/one.txt
            ln -s assets/b.txt shop/releases/1/public/own.txt; printf latin > shop/releases/1/public/$(printf 'caf\\xe9').txt
            chown -hR 7001:7001 shop; chown -R 7002:7002 shop/shared/uploads
            app admin; mkdir admin/public; echo thing > mary/thing.txt; chown 7002 mary/thing.txt
            ln -s ../../mary/thing.txt admin/public/thing.txt

            """

        private static func site(_ variables: [String] = []) throws -> Site {
            let site = try Site(apps: [], httpSettings: ["passenger_load_shell_envvars off;"])
            for name in ["marked", "rooted", "admin"] { try site.add(.init(name, from: nil)) }
            try site.add(.init("above", from: nil, root: "above/current"))
            try site.add(.init("shop", from: nil, root: "shop/current", settings: ["passenger_user mary;"]))
            let wrapper = try OwnAccounts.wrapper(in: site.directory)
            site.daemonWrapper = wrapper
            site.frontWrapper = wrapper + (variables.isEmpty ? [] : ["env"] + variables)
            try site.directory.write(OwnAccounts.wsgi, to: "probe")
            try Files.makeDirectories(site.directory.file("apps"))
            let script = try site.directory.write(arrangement, to: "prepare")
            let outcome = try Shell.run(["/bin/bash", script], in: site.directory.file("apps"))
            guard outcome.status.isSuccess else {
                throw RunningProgram.Failure.ended("prepare", outcome.status, output: outcome.output)
            }
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            return site
        }

        /// Before, the first and the third came back with the secret.
        @Test(arguments: [[], ["FLYING_PASSENGER_WITHOUT=openat2"]])
        func `a link publishes only what its maker owns, wherever on the way it is`(_ variables: [String]) throws {
            let site = try Self.site(variables)
            for (app, path) in [
                ("marked", "/x%D8%80/key.txt"), ("marked", "/x/key.txt"), ("rooted", "/key.txt"),
                ("marked", "/file.txt"),
                ("above", "/key.txt"),
            ] {
                for _ in 0..<2 {
                    let response = try site.get(app, path)
                    #expect(
                        response.status != 200 && !response.text.contains("secret"),
                        "\(app)\(path): \(response.text)"
                    )
                }
            }
            #expect(try site.get("marked", "/x%D8%80/key.txt").status == 403)
            #expect(try site.get("rooted", "/key.txt").status == 403)
            // One line for each link, however often it is asked for.
            let log = try TestFile.text(site.frontLog)
            let refused = log.split(separator: "\n").filter { $0.contains("is not followed") }
            #expect(refused.count == 5, "\(refused)")
            #expect(refused.allSatisfy { $0.contains("remedy=") && $0.contains("uid 7001") && $0.contains("uid 7002") })
        }

        @Test(arguments: [[], ["FLYING_PASSENGER_WITHOUT=openat2"]])
        func `links of a deployment are followed, and what they lead to may change`(_ variables: [String]) throws {
            let site = try Self.site(variables)
            for _ in 0..<3 {
                #expect(try site.page("shop", "/assets/b.txt").text == "asset\n")
                #expect(try site.page("shop", "/uploads/deep/a.txt").text == "upload\n")
                #expect(try site.page("shop", "/one.txt").text == "upload\n")
                #expect(try site.page("shop", "/own.txt").text == "asset\n")
                #expect(try site.page("shop", "/caf%E9.txt").text == "latin")
                #expect(try site.page("admin", "/thing.txt").text == "thing\n")
            }
            // Another release, then a link in the place of a directory: what is remembered does not outlive them.
            let shop = site.directory.file("apps/shop")
            let outcome = try Shell.script(
                """
                set -e
                cd \(shop)
                cp -a releases/1 releases/2; echo newer > releases/2/public/assets/b.txt
                ln -s releases/2 next; chown -h 7001 next; mv -T next current
                """
            )
            #expect(outcome.status.isSuccess, "\(outcome.output)")
            #expect(try site.page("shop", "/assets/b.txt").text == "newer\n")
            let swap = try Shell.script(
                """
                set -e
                cd \(shop)/releases/2/public
                rm uploads; ln -s \(site.directory.file("apps/admin/public")) uploads; chown -h 7001 uploads
                """
            )
            #expect(swap.status.isSuccess, "\(swap.output)")
            // Root's directory is not the owner's of the link, nor the application's user's.
            #expect(try site.get("shop", "/uploads/thing.txt").status == 403)
        }
    }
}
