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

#[cfg(test)]
mod tests {
    use super::super::statement::WriteId;
    use super::*;

    #[test]
    fn a_replica_that_is_not_the_holder_states_no_new_count() {
        let (exchange, clock) = (Exchange::default(), Timestamp::UNIX_EPOCH);
        let statement = |counted: &[u64], reviewed: &[u64]| Statement {
            counted: counted.iter().copied().map(WriteId).collect(),
            reviewed: reviewed.iter().copied().map(WriteId).collect(),
            ..Statement::default()
        };
        exchange.state(statement(&[1], &[]));
        assert_eq!(exchange.next("pod-1", false, clock), None);
        let counted = exchange.next("pod-1", true, clock).unwrap();
        assert_eq!(counted.0["pod-1"], statement(&[1], &[]));
        exchange.note(Some(&counted.text()), Some(clock));
        assert_eq!((exchange.next("pod-1", true, clock), &*exchange.all()), (None, &counted));
        // What it has counted before stays, so that the next holder does not count it.
        exchange.state(statement(&[1, 2], &[3]));
        assert_eq!(exchange.next("pod-1", false, clock).unwrap().0["pod-1"], statement(&[1], &[3]));
    }

    #[test]
    fn the_clock_of_the_api_server_is_known_after_a_read() {
        let exchange = Exchange::default();
        assert_eq!(exchange.server_time(), None);
        let ahead = Timestamp::now() + SignedDuration::from_hours(5);
        exchange.note(None, Some(ahead));
        let after = exchange.server_time().unwrap().duration_since(ahead);
        assert!(after >= SignedDuration::ZERO && after < SignedDuration::from_mins(1), "{after}");
    }
}
