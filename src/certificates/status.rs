//! The state of self-managed certificates, for `/readyz`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The state of the certificates of one process.
#[derive(Debug, Clone)]
pub struct CertificateStatus(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    was_ready: AtomicBool,
    /// The time after which all API servers have noticed a change of the caBundle.
    propagation: Duration,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Whether a certificate is served.
    pub(super) is_issued: bool,
    /// Why the API server may reject the certificate, or changes of it fail.
    pub(super) troubles: Vec<String>,
    pub(super) trust: Trust,
}

/// Whether API servers accept the served certificate.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// It is not known.
    #[default]
    Unknown,
    /// No webhook configuration exists, or none of its entries calls the Service.
    NotCalled,
    /// The caBundle does not contain the CA.
    Missing,
    /// The caBundle has contained the CA since then.
    Since(Instant),
}

impl CertificateStatus {
    pub(super) fn new(propagation: Duration) -> Self {
        Self(Arc::new(Inner { state: Mutex::default(), was_ready: AtomicBool::new(false), propagation }))
    }

    pub(super) fn set(&self, state: State) {
        *self.0.state.lock() = state;
    }

    /// Returns why a new process must not become ready yet, one line each. A process that was ready before stays ready, whatever
    /// happens to the caBundle. Without a webhook configuration there is nothing to wait for.
    #[must_use]
    pub fn withheld(&self) -> Vec<String> {
        if self.0.was_ready.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let state = self.0.state.lock();
        let wait = match state.trust {
            _ if !state.is_issued => Some("certificate: not issued yet"),
            Trust::Unknown => Some("certificate: it is not known whether the API server trusts it"),
            Trust::Missing => {
                Some("certificate: the caBundle of the webhook configuration does not contain its CA yet")
            }
            Trust::Since(time) if time.elapsed() < self.0.propagation => {
                Some("certificate: waiting until every API server has the new caBundle")
            }
            Trust::Since(_) | Trust::NotCalled => None,
        };
        wait.map(|wait| state.troubles.iter().cloned().chain([wait.to_owned()]).collect()).unwrap_or_default()
    }

    /// Returns whether a certificate is served.
    #[must_use]
    pub fn is_issued(&self) -> bool {
        self.0.state.lock().is_issued
    }

    /// Records that the process is ready.
    pub fn note_ready(&self) {
        self.0.was_ready.store(true, Ordering::Relaxed);
    }

    /// Returns what is wrong although the process is ready, one line each.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        if !self.withheld().is_empty() {
            return Vec::new();
        }
        let state = self.0.state.lock();
        let is_missing = state.trust == Trust::Missing && state.troubles.is_empty();
        let missing = is_missing
            .then(|| "certificate: the caBundle of the webhook configuration does not contain its CA".to_owned());
        state.troubles.iter().cloned().chain(missing).collect()
    }
}
