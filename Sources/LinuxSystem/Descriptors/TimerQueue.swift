// SPDX-License-Identifier: MIT

/// What is to be done when; a heap, from which what was removed is dropped when it comes to the top.
package struct TimerQueue<Content> {
    package struct ID: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Entry {
        let moment: UInt64
        let id: ID

        /// Those of the same moment come in the order in which they were added.
        func precedes(_ other: Entry) -> Bool {
            moment < other.moment || moment == other.moment && id.number < other.id.number
        }
    }

    private var heap: [Entry] = []
    private var contents: [ID: Content] = [:]
    private var lastNumber: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { contents.isEmpty }

    package mutating func add(_ content: Content, at moment: UInt64) -> ID {
        lastNumber += 1
        let id = ID(number: lastNumber)
        contents[id] = content
        heap.append(Entry(moment: moment, id: id))
        rise(from: heap.count - 1)
        return id
    }

    /// Does nothing for what was taken or removed already.
    package mutating func remove(_ id: ID) {
        guard contents.removeValue(forKey: id) != nil, heap.count > 2 * contents.count + 64 else { return }
        // Mostly removed ones: those that are far away would never come to the top.
        let left = heap.filter { contents[$0.id] != nil }
        heap = []
        for entry in left {
            heap.append(entry)
            rise(from: heap.count - 1)
        }
    }

    /// The moment of the next one.
    package var earliest: UInt64? {
        mutating get {
            dropRemoved()
            return heap.first?.moment
        }
    }

    /// The next one whose moment has come.
    package mutating func takeDue(at now: UInt64) -> Content? {
        dropRemoved()
        guard let first = heap.first, first.moment <= now else { return nil }
        dropFirst()
        return contents.removeValue(forKey: first.id)
    }

    private mutating func dropRemoved() {
        while let first = heap.first, contents[first.id] == nil { dropFirst() }
    }

    private mutating func dropFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        sink()
    }

    private mutating func rise(from start: Int) {
        var index = start
        while index > 0, heap[index].precedes(heap[(index - 1) / 2]) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink() {
        var index = 0
        while true {
            let children = [2 * index + 1, 2 * index + 2].filter { $0 < heap.count }
            guard let least = children.min(by: { heap[$0].precedes(heap[$1]) }), heap[least].precedes(heap[index])
            else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
