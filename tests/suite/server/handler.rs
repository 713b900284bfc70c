//! A review handler whose result is selected by the body.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ingress_guard::admission::{Operation, Outcome, Place, Record, Rejection, Reviewed};
use ingress_guard::finding::Level;
use ingress_guard::model::Kind;
use ingress_guard::server::{Endpoint, Readiness, ReviewHandler};
use ingress_guard::tasks::Tasks;
use tokio::sync::Notify;

use super::client::eventually;

/// `panic` panics, `reject` is rejected, `wait…` waits for [`Echo::let_go`], and any other body is returned after `takes`.
#[derive(Default)]
pub(crate) struct Echo {
    pub(crate) takes: Duration,
    pub(crate) missing: Mutex<Vec<String>>,
    pub(crate) tasks: Tasks,
    /// The time that the metrics take.
    pub(crate) renders: Duration,
    pub(crate) rendered: AtomicUsize,
    /// Whether the next rendering panics.
    pub(crate) panics: AtomicBool,
    waiting: AtomicUsize,
    gate: Notify,
}

impl Echo {
    pub(crate) fn taking(takes: Duration) -> Self {
        Self { takes, ..Self::default() }
    }

    /// A handler whose metrics take this long.
    pub(crate) fn rendering(renders: Duration) -> Self {
        Self { renders, ..Self::default() }
    }

    /// Returns once this many reviews wait.
    pub(crate) async fn until_waiting(&self, count: usize) {
        eventually("enough reviews wait", || async { self.waiting.load(Ordering::SeqCst) == count }).await;
    }

    pub(crate) fn let_go(&self) {
        self.gate.notify_waiters();
    }
}

impl ReviewHandler for Echo {
    async fn review(self: &Arc<Self>, _: Endpoint, body: &[u8], _: Place) -> Result<Reviewed, Rejection> {
        tokio::time::sleep(self.takes).await;
        if body.starts_with(b"wait") {
            let gate = self.gate.notified();
            self.waiting.fetch_add(1, Ordering::SeqCst);
            gate.await;
        }
        match body {
            b"panic" => panic!("as asked"),
            b"reject" => Err(Rejection { status: 400, reason: "MalformedJson", message: "expected value".to_owned() }),
            _ => Ok(Reviewed { body: body.to_vec(), record: record(), exceeded_allowance: false, steps: 0 }),
        }
    }
}

impl Readiness for Echo {
    fn missing(&self) -> Vec<String> {
        self.missing.lock().unwrap().clone()
    }

    fn objects(&self) -> Vec<(&'static str, usize)> {
        self.rendered.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics.swap(false, Ordering::SeqCst), "as asked");
        std::thread::sleep(self.renders);
        vec![("Ingress", 3), ("Service", 7)]
    }

    fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }
}

pub(crate) fn record() -> Record {
    Record {
        uid: String::new(),
        kind: Kind::Ingress,
        namespace: String::new(),
        name: String::new(),
        operation: Operation::Create,
        dry_run: false,
        user: String::new(),
        field_manager: String::new(),
        outcome: Outcome::Warn,
        findings: vec![("IG202", Level::Warn), ("IG301", Level::Audit)],
        denial: None,
        would_deny: vec!["IG202"],
        panicked: false,
        unconfirmed: Vec::new(),
        live_reads: Vec::new(),
        is_recheck_lost: false,
        is_recording_lost: false,
    }
}
