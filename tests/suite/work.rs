//! How long a thread works, whatever else the machine does meanwhile: what bounds are held by.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How long this thread works on something.
pub(crate) fn took<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = worked();
    let result = work();
    (worked().saturating_sub(start), result)
}

/// How long this thread has worked; where only Linux could say, the time.
pub(crate) fn worked() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    // A kernel that does not count says 0.
    let nanos = text.and_then(|text| text.split(' ').next()?.parse().ok()).filter(|nanos| *nanos > 0);
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
