//! A bounded memory of what was read a short time ago.

use std::time::{Duration, Instant};

use foldhash::HashMap;
use parking_lot::Mutex;

use crate::model::{Key, Kind};

/// The maximum number of objects.
const MOST: usize = 1000;

/// What is known of objects for a limited time.
#[derive(Debug)]
pub(super) struct Recent<T> {
    time: Duration,
    known: Mutex<HashMap<(Kind, Key), (Instant, T)>>,
}

impl<T: Clone> Recent<T> {
    /// Creates a memory that forgets each object after this time.
    pub(super) fn new(time: Duration) -> Self {
        Self { time, known: Mutex::default() }
    }

    /// Returns what is known of an object.
    pub(super) fn get(&self, of: &(Kind, Key)) -> Option<T> {
        let known = self.known.lock();
        known.get(of).filter(|(since, _)| since.elapsed() < self.time).map(|(_, value)| value.clone())
    }

    /// Remembers an object, if there is space.
    pub(super) fn insert(&self, of: (Kind, Key), value: T) {
        let mut known = self.known.lock();
        if known.len() >= MOST {
            known.retain(|_, (since, _)| since.elapsed() < self.time);
        }
        if known.len() < MOST {
            known.insert(of, (Instant::now(), value));
        }
    }

    /// Forgets an object.
    pub(super) fn remove(&self, of: &(Kind, Key)) {
        self.known.lock().remove(of);
    }
}
