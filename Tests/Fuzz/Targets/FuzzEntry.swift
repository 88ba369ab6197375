// SPDX-License-Identifier: MIT

/// Called by the program for each input.
@_cdecl("flying_passenger_fuzz")
func fuzz(_ name: UnsafePointer<CChar>, _ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    let name = String(cString: name)
    guard let target = FuzzTarget(rawValue: name) else {
        fatalError("FUZZ_TARGET is \"\(name)\"; \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    do {
        try target.run(UnsafeRawBufferPointer(start: bytes, count: count))
    } catch {
        // The sanitizer keeps the input of a run that traps.
        fatalError("\(error)")
    }
}
