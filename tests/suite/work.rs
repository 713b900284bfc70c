//! CPU time of a thread, independent of other load on the machine. Time limits in tests use it.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Measures the CPU time of this thread.
pub(crate) fn took<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = worked();
    let result = work();
    (worked().saturating_sub(start), result)
}

/// Returns the CPU time of this thread; the elapsed time on systems other than Linux.
pub(crate) fn worked() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    // Kernels without this counter report 0.
    let nanos = text.and_then(|text| text.split(' ').next()?.parse().ok()).filter(|nanos| *nanos > 0);
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
