// SPDX-License-Identifier: MIT

import FuzzTargets
import LinuxSystem
import TestSupport
import Testing

/// Every input that is kept, through the readers that `make fuzz` searches.
@Suite struct CorpusTests {
    private static let corpus = "Tests/Fuzz/corpus"

    @Test(arguments: FuzzTarget.allCases)
    func `a target holds for all inputs of its corpus`(_ target: FuzzTarget) throws {
        let paths = try Repository.files(below: "\(Self.corpus)/\(target.rawValue)")
        #expect(!paths.isEmpty, "\(target.rawValue) has no corpus")
        for path in paths {
            let bytes = try Files.read("\(Repository.root)/\(path)", limit: 1 << 20)
            #expect(throws: Never.self, "\(path)") { try bytes.withUnsafeBytes { try target.run($0) } }
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `a target holds for nothing, and for bytes that mean nothing`(_ target: FuzzTarget) throws {
        try target.run(UnsafeRawBufferPointer(start: nil, count: 0))
        for byte in [UInt8(0), 0x0A, 0x20, 0x7F, 0x80, 0xFF] {
            for count in [1, 7, 4096] {
                try Array(repeating: byte, count: count).withUnsafeBytes { try target.run($0) }
            }
        }
    }

    @Test func `every folder of the corpus belongs to a target, and it stays small`() throws {
        let folders = TestFile.names(in: "\(Repository.root)/\(Self.corpus)")
        #expect(Set(folders) == Set(FuzzTarget.allCases.map(\.rawValue)))
        let sizes = try Repository.files(below: Self.corpus).map { path in
            try FileStatus(path: "\(Repository.root)/\(path)").size
        }
        #expect(sizes.reduce(0, +) < 1 << 20)
    }
}
