//! What secrets leave behind. Types that hold them erase themselves when they are dropped, but a value that was moved, a
//! vector that grew and whatever the libraries keep on the way leave copies. So all memory that Rust gives back is
//! erased first, and the stack after each piece of work.
use std::alloc::{GlobalAlloc, Layout, System};

use zeroize::optimization_barrier;

/// The system's allocator, which gets back zeros only.
pub struct Erasing;

// SAFETY: memory comes from the system's allocator and goes back to it as it came, layout and all; between, only bytes of
// the block that is given back are written, which nobody may use any more. `realloc`, where the trait has it, is made of
// these two.
unsafe impl GlobalAlloc for Erasing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        System.alloc(layout)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        System.alloc_zeroed(layout)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        block.write_bytes(0, layout.size());
        // Else a compiler may leave out what nobody reads.
        optimization_barrier(std::slice::from_raw_parts(block, layout.size()));
        System.dealloc(block, layout);
    }
}

/// More than any step here needs of its thread's stack.
const STACK: usize = 256 << 10;

/// Does `work` and erases what it had on the stack.
pub fn without_trace<T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    zeroize::zeroize_stack::<STACK>();
    result
}

/// In a frame of its own, below which the stack is erased.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_given_back_holds_nothing() {
        let layout = Layout::from_size_align(4096, 8).unwrap();
        // SAFETY: the block is written within its bounds; afterwards it is only looked at through what the allocator gives out
        // again, which may or may not be the same block.
        unsafe {
            let block = Erasing.alloc(layout);
            block.write_bytes(0xa5, layout.size());
            Erasing.dealloc(block, layout);
            let again = System.alloc(layout);
            let bytes = std::slice::from_raw_parts(again, layout.size());
            assert!(!bytes.contains(&0xa5));
            System.dealloc(again, layout);
        }
    }
}
