// SPDX-License-Identifier: MIT

import CFlyingPassenger

/// What this process has from malloc.
package enum HeapMemory {
    /// Gives pages in which nothing is to the kernel (malloc_trim(3)); takes milliseconds for hundreds of megabytes.
    ///
    /// The allocator does it by itself only at the end of a heap, so a burst of connections would be kept for good.
    package static func giveBack() { _ = malloc_trim(0) }
}
