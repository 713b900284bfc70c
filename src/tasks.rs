//! Background tasks that run as long as the process: each is started again after a panic.
//!
//! Without this, a panic would end a task unseen, and the process would serve with a state that no longer changes.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The pause after a panic, which the same state may cause again.
const PAUSE: Duration = Duration::from_secs(10);

/// The background tasks of a process, by name.
#[derive(Debug, Clone, Default)]
pub struct Tasks(Arc<Mutex<BTreeMap<&'static str, Panics>>>);

/// The panics of the tasks with one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Panics {
    /// The number of panics.
    pub count: u64,
    /// The time of the last one.
    pub last: Option<Timestamp>,
}

impl Tasks {
    /// Starts a task, and again after each panic. It ends when its future ends. Tasks with one name count together.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn keep<F>(&self, task: &'static str, mut start: impl FnMut() -> F + Send + 'static) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send,
    {
        let tasks = self.clone();
        tasks.0.lock().entry(task).or_default();
        tokio::spawn(async move {
            while let Err(panic) = AssertUnwindSafe(async { start().await }).catch_unwind().await {
                let seconds = PAUSE.as_secs();
                let panic = message(&*panic);
                tracing::error!(task, panic, seconds, "a background task panicked; it starts again after a pause");
                tasks.note(task);
                sleep(PAUSE).await;
            }
        })
    }

    fn note(&self, task: &'static str) {
        let mut tasks = self.0.lock();
        let panics = tasks.entry(task).or_default();
        *panics = Panics { count: panics.count + 1, last: Some(Timestamp::now()) };
    }

    /// Returns the panics by the name of the task, those of tasks without a panic included.
    #[must_use]
    pub fn panics(&self) -> Vec<(&'static str, Panics)> {
        self.0.lock().iter().map(|(task, panics)| (*task, *panics)).collect()
    }

    /// Returns the notes for `/readyz`, one line for each name. They do not affect readiness.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let note = |(task, Panics { count, last }): (&str, Panics)| {
            let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
            Some(format!(
                "internal error: the background task {task} panicked {times}, last at {}, and was started again: report the panic in \
                 the log",
                last?
            ))
        };
        self.panics().into_iter().filter_map(note).collect()
    }
}

/// Returns the message of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown")
}
