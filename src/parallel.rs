//! Work on many items on all cores, with the results in the order of the items.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Calls `work` with the items in blocks of this size, on as many threads as pay off. Returns the results in the order of the blocks.
pub(crate) fn blocks<T: Sync, R: Send>(items: &[T], size: usize, work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let blocks: Vec<&[T]> = items.chunks(size.max(1)).collect();
    let threads = thread::available_parallelism().map_or(1, usize::from).min(blocks.len());
    if threads < 2 {
        return blocks.into_iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let taken = std::iter::from_fn(|| {
            let at = next.fetch_add(1, Ordering::Relaxed);
            Some((at, work(blocks.get(at)?)))
        });
        taken.collect::<Vec<_>>()
    };
    let mut results = thread::scope(|scope| {
        let begun: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut results = take();
        for thread in begun {
            results.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        results
    });
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        for size in [0, 1, 7, 1000, 5000] {
            let results = blocks(&items, size, <[usize]>::to_vec);
            assert_eq!(results.concat(), items, "{size}");
        }
        assert!(blocks(&[0; 0], 5, <[usize]>::to_vec).is_empty());
    }
}
