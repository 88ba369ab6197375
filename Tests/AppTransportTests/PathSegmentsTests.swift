// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import AppTransport

struct PathSegmentsTests {
    @Test(arguments: [
        ("/", "/"), ("/a", "/a"), ("/a/", "/a/"), ("//", "/"), ("//a//b//", "/a/b/"), ("/.", "/"), ("/./", "/"),
        ("/..", "/"), ("/../..", "/"), ("/a/..", "/"), ("/a/b/..", "/a/"), ("/a/../b", "/b"), ("/a/./b/.", "/a/b/"),
        ("/.../..a/.b", "/.../..a/.b"), ("/a/../../b", "/b"), ("/.well-known/x", "/.well-known/x"),
    ])
    func `dot segments and double slashes go`(_ path: String, _ expected: String) {
        var output = ByteBuffer(string: "before")
        let isNormal = ByteBuffer(string: path)
            .withUnsafeReadableBytes { bytes in
                PathSegments.normalize(bytes, into: &output)
                return PathSegments.areNormal(bytes)
            }
        #expect(String(buffer: output) == "before" + expected)
        #expect(isNormal == (path == expected))
    }

    @Test(arguments: ["*", ""]) func `what is no path is normal`(_ text: String) {
        #expect(ByteBuffer(string: text).withUnsafeReadableBytes { PathSegments.areNormal($0) })
    }
}
