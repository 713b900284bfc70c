//! Whether this replica is the one that audits the stored Ingresses.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::outage::Outage;

/// The state of the Lease, as the task that keeps it knows it.
#[derive(Debug, Clone)]
pub struct Leadership(Option<Arc<Mutex<State>>>);

#[derive(Debug, Default)]
struct State {
    /// The replica is the holder until then. The time passes also if the task that renews the Lease stands still.
    until: Option<Instant>,
    /// The holder in the Lease as it was read last; empty: there is none.
    holder: String,
    /// Why the Lease cannot be read or written.
    trouble: Option<String>,
    /// The time before the start of this process in which no replica ran.
    outage: Option<Outage>,
}

impl Leadership {
    /// Creates the state of a process without a Lease: it is alone.
    #[must_use]
    pub const fn alone() -> Self {
        Self(None)
    }

    /// Creates the state of a replica that does not hold the Lease yet.
    #[must_use]
    pub fn of_replica() -> Self {
        Self(Some(Arc::default()))
    }

    /// Returns whether this replica is the holder now.
    #[must_use]
    pub fn is_holder(&self) -> bool {
        let Some(state) = &self.0 else { return true };
        state.lock().until.is_some_and(|until| Instant::now() < until)
    }

    /// Returns the name of the holder as it was read last; empty: it is not known.
    #[must_use]
    pub fn holder(&self) -> String {
        self.0.as_ref().map(|state| state.lock().holder.clone()).unwrap_or_default()
    }

    /// Sets the name of the holder.
    pub(super) fn set_holder(&self, holder: &str) {
        if let Some(state) = &self.0 {
            holder.clone_into(&mut state.lock().holder);
        }
    }

    /// Returns why the Lease cannot be read or written, in one line.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.0.as_ref().and_then(|state| state.lock().trouble.clone())
    }

    /// Sets the time until which the replica is the holder.
    pub fn set(&self, until: Option<Instant>) {
        if let Some(state) = &self.0 {
            state.lock().until = until;
        }
    }

    /// Returns the time before the start of this process in which no replica ran, once, if this replica was the first to take the Lease
    /// after it.
    #[must_use]
    pub fn take_outage(&self) -> Option<Outage> {
        self.0.as_ref().and_then(|state| state.lock().outage.take())
    }

    /// Sets that time.
    pub fn set_outage(&self, outage: Option<Outage>) {
        if let Some(state) = &self.0 {
            state.lock().outage = outage;
        }
    }

    /// Sets why the Lease cannot be read or written. Returns whether that has changed.
    pub(super) fn set_trouble(&self, trouble: Option<String>) -> bool {
        let Some(state) = &self.0 else { return false };
        let mut state = state.lock();
        let is_changed = state.trouble != trouble;
        state.trouble = trouble;
        is_changed
    }
}
