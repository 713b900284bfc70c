//! The process: allocator and arguments; everything else is in the library crate.

use std::process::ExitCode;

// A review makes many small allocations of one lifetime: mimalloc needs a third less CPU for them than glibc's allocator. Its version 2, since
// version 3 keeps the memory of the initial lists while the process is idle: 20 MiB in a large cluster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Pages of 2 MiB would be kept for a few objects each: 10 MiB in a large cluster. If the kernel refuses, nothing else changes.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    ingress_guard::cli::run()
}
