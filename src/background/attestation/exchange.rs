//! The statements between the task that makes them and the one that keeps the Lease.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::statement::{Statement, Statements};

/// The statement of this replica, and those of all replicas as the Lease had them last.
#[derive(Debug, Clone, Default)]
pub struct Exchange(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    own: Statement,
    all: Arc<Statements>,
    /// The clock of the API server minus that of this machine.
    difference: Option<SignedDuration>,
}

impl Exchange {
    /// Sets the statement of this replica.
    pub fn state(&self, own: Statement) {
        self.0.lock().own = own;
    }

    /// Returns the statements of all replicas.
    #[must_use]
    pub fn all(&self) -> Arc<Statements> {
        Arc::clone(&self.0.lock().all)
    }

    /// Returns the time of the API server. `None`: it is not known.
    #[must_use]
    pub fn server_time(&self) -> Option<Timestamp> {
        let difference = self.0.lock().difference?;
        Timestamp::now().checked_add(difference).ok()
    }

    /// Notes the annotation of the Lease as it was read.
    pub(in crate::background) fn note(&self, annotation: Option<&str>, server_time: Option<Timestamp>) {
        let all = Arc::new(Statements::read(annotation));
        let mut state = self.0.lock();
        state.all = all;
        state.difference = server_time.map(|time| time.duration_since(Timestamp::now()));
    }

    /// Returns the next statements of all replicas, if that of this replica has something new. Only the holder counts.
    pub(in crate::background) fn next(&self, replica: &str, is_holder: bool, clock: Timestamp) -> Option<Statements> {
        let state = self.0.lock();
        let mut own = state.own.clone();
        if !is_holder {
            own.counted.retain(|id| state.all.0.get(replica).is_some_and(|stated| stated.counted.contains(id)));
        }
        state.all.with(replica, &own, clock)
    }

    /// Notes that the Lease has these statements.
    pub(in crate::background) fn written(&self, all: Statements) {
        self.0.lock().all = Arc::new(all);
    }
}
