// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Applications that are broken in every way, beside one that is well: each gets the right page and log line, and
    /// nothing of it is left afterwards.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"), .timeLimit(.minutes(3)))
    struct BrokenAppTests {
        @Test func `applications that do not start say why, and their neighbour notices nothing`() throws {
            let place = try Neighbourhood(BrokenApp.starts)
            try place.visitTogether(BrokenApp.starts)
            try place.expectUnharmed()
        }

        @Test func `applications that break in service are replaced, and their neighbour notices nothing`() throws {
            let place = try Neighbourhood(BrokenApp.services)
            for app in BrokenApp.services { try place.visit(app) }
            try place.expectUnharmed()
        }
    }
}
