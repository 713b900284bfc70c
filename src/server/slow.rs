//! Places for slow reviews: a few threads on which the reviews of different namespaces and users take turns.
//!
//! A review holds a place only while it computes. It gives the place back while it waits for live reads.

use std::sync::Arc;
use std::time::Duration;

use async_task::{Builder, FallibleTask, Runnable};
use foldhash::{HashMap, HashMapExt as _};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::limits::Limits;
use crate::admission::Preview;
use crate::fair_queue::FairQueue;
use crate::telemetry::Metrics;

/// The author of a review. Places are shared between namespaces first, then between the users of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Author {
    pub(super) namespace: Box<str>,
    pub(super) user: Box<str>,
}

impl Author {
    pub(super) fn of(preview: &Preview) -> Self {
        Self { namespace: preview.namespace.as_str().into(), user: preview.user.as_str().into() }
    }
}

/// The places. A review is a task that is polled on a thread whenever it has a place.
#[derive(Clone)]
pub(super) struct SlowPlaces(Arc<Shared>);

struct Shared {
    places: usize,
    places_per_user: usize,
    /// The number of reviews that may be in progress.
    reviews: usize,
    /// The runtime whose threads for blocking work are the places.
    runtime: Handle,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

struct State {
    /// The number of threads that compute.
    workers: usize,
    /// The number of reviews in progress, including those that wait.
    reviews: usize,
    waiting: FairQueue<Runnable<Author>>,
    /// The number of places of each author that has one.
    places: HashMap<Author, usize>,
}

/// Counts one review until it is dropped: first as one that waits, then as one in progress.
struct Counted {
    shared: Arc<Shared>,
    has_begun: bool,
}

impl SlowPlaces {
    /// Creates places on the runtime within which it is called.
    pub(super) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        let state = State { workers: 0, reviews: 0, waiting: FairQueue::default(), places: HashMap::new() };
        Self(Arc::new(Shared {
            places: limits.slow_places.max(1),
            places_per_user: limits.slow_places_per_user.max(1),
            reviews: limits.slow_reviews.max(1),
            runtime: Handle::current(),
            state: Mutex::new(state),
            metrics,
        }))
    }

    /// Runs a review in turns. Returns `None` after `wait` if the review has not begun, or was dropped because too many are in
    /// progress and its author has the most waiting ones. A panic continues here.
    pub(super) async fn run<F>(&self, author: Author, wait: Duration, review: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let deadline = Instant::now() + wait;
        let (signal, begun) = oneshot::channel();
        let mut counted = Counted::new(&self.0);
        let task = self.start(author, async move {
            counted.begin();
            let _ = signal.send(());
            review.await
        });
        match timeout_at(deadline, begun).await {
            Ok(Ok(())) => task.await,
            // An answer at once would invite its client to repeat the review at once.
            Ok(Err(_dropped)) => {
                sleep_until(deadline).await;
                None
            }
            Err(_elapsed) => None,
        }
    }

    fn start<F>(&self, author: Author, review: F) -> FallibleTask<F::Output, Author>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        let schedule = move |runnable| shared.schedule(runnable);
        let (runnable, task) = Builder::new().propagate_panic(true).metadata(author).spawn(|_| review, schedule);
        runnable.schedule();
        self.0.drop_excess();
        task.fallible()
    }
}

impl Counted {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.state.lock().reviews += 1;
        shared.metrics.slow_reviews_waiting.inc();
        Self { shared: Arc::clone(shared), has_begun: false }
    }

    fn begin(&mut self) {
        self.has_begun = true;
        self.shared.metrics.slow_reviews_waiting.dec();
        self.shared.metrics.slow_reviews.inc();
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.shared.state.lock().reviews -= 1;
        let metrics = &self.shared.metrics;
        if self.has_begun {
            metrics.slow_reviews.dec()
        } else {
            metrics.slow_reviews_waiting.dec()
        };
    }
}

impl Shared {
    /// Drops a review that waits if too many are in progress.
    fn drop_excess(&self) {
        let mut state = self.state.lock();
        let excess = if state.reviews > self.reviews { state.waiting.pop_from_longest() } else { None };
        drop(state);
        // Dropping it ends its task, which takes the lock.
        drop(excess);
    }

    /// Adds a task that can go on to the queue, and a thread for it if a place is free.
    fn schedule(self: &Arc<Self>, runnable: Runnable<Author>) {
        let mut state = self.state.lock();
        let Author { namespace, user } = runnable.metadata().clone();
        state.waiting.push(&namespace, &user, runnable);
        let has_place = state.workers < self.places;
        if has_place {
            state.workers += 1;
        }
        drop(state);
        if has_place {
            let shared = Arc::clone(self);
            self.runtime.spawn_blocking(move || shared.work());
        }
    }

    /// Polls tasks until none of them may go on.
    fn work(&self) {
        while let Some(runnable) = self.next() {
            let author = runnable.metadata().clone();
            runnable.run();
            self.leave(&author);
        }
    }

    /// Returns the next task with a place for its author. Without one, the thread gives its place back.
    fn next(&self) -> Option<Runnable<Author>> {
        let mut state = self.state.lock();
        let State { workers, waiting, places, .. } = &mut *state;
        let next = waiting.next(|namespace, user, tasks| {
            let author = Author { namespace: namespace.into(), user: user.into() };
            let may_take = places.get(&author).is_none_or(|places| *places < self.places_per_user);
            if may_take { tasks.pop_front() } else { None }
        });
        match &next {
            Some(runnable) => *places.entry(runnable.metadata().clone()).or_default() += 1,
            None => *workers -= 1,
        }
        next
    }

    fn leave(&self, author: &Author) {
        let places = &mut self.state.lock().places;
        if let Some(of_author) = places.get_mut(author) {
            *of_author -= 1;
            if *of_author == 0 {
                places.remove(author);
            }
        }
    }
}
