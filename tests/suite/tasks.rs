//! Background tasks after a panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ingress_guard::tasks::Tasks;
use tokio::time::{Instant, sleep};

/// A task that panics in its first starts, then ends.
fn panics_at_first(tasks: &Tasks, panics: usize) -> (Arc<AtomicUsize>, tokio::task::JoinHandle<()>) {
    let starts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&starts);
    let task = tasks.keep("rechecks", move || {
        let start = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            sleep(Duration::from_secs(1)).await;
            assert!(start >= panics, "as asked");
        }
    });
    (starts, task)
}

#[tokio::test(start_paused = true)]
async fn a_task_starts_again_after_each_panic() {
    let (tasks, started) = (Tasks::default(), Instant::now());
    let (starts, task) = panics_at_first(&tasks, 2);
    assert_eq!(tasks.panics(), [("rechecks", ingress_guard::tasks::Panics::default())]);
    assert!(tasks.notes().is_empty());
    task.await.unwrap();
    assert_eq!(starts.load(Ordering::SeqCst), 3);
    assert_eq!(started.elapsed().as_secs(), 23, "a pause after each panic, and none at its end");
    assert_eq!(tasks.panics()[0].1.count, 2);
    let [note] = tasks.notes().try_into().unwrap();
    assert!(note.contains("the background task rechecks panicked 2 times, last at "), "{note}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_the_future_is_created_is_one_of_the_task() {
    let tasks = Tasks::default();
    let mut starts = 0;
    let task = tasks.keep("watch", move || {
        starts += 1;
        assert!(starts > 1, "as asked");
        async {}
    });
    task.await.unwrap();
    assert_eq!(tasks.panics()[0].1.count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_is_not_started_again() {
    let tasks = Tasks::default();
    let (starts, task) = panics_at_first(&tasks, 0);
    task.await.unwrap();
    sleep(Duration::from_mins(1)).await;
    assert_eq!((starts.load(Ordering::SeqCst), tasks.panics()[0].1.count), (1, 0));
}
