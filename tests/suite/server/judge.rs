//! A judge that does what the body says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ingress_guard::admission::{Record, Rejection, Reviewed};
use ingress_guard::server::{Judge, Readiness};
use tokio::sync::Notify;

use super::client::eventually;

/// `panic` panics, `reject` is rejected, `wait…` waits to be let go, anything else comes back after a while.
#[derive(Default)]
pub(crate) struct Echo {
    pub(crate) takes: Duration,
    pub(crate) missing: Mutex<Vec<String>>,
    waiting: AtomicUsize,
    gate: Notify,
}

impl Echo {
    pub(crate) fn taking(takes: Duration) -> Self {
        Self { takes, ..Self::default() }
    }

    /// Until this many reviews wait.
    pub(crate) async fn until_waiting(&self, count: usize) {
        eventually("enough reviews wait", || async { self.waiting.load(Ordering::SeqCst) == count }).await;
    }

    pub(crate) fn let_go(&self) {
        self.gate.notify_waiters();
    }
}

impl Judge for Echo {
    async fn review(self: &Arc<Self>, body: &[u8]) -> Result<Reviewed, Rejection> {
        tokio::time::sleep(self.takes).await;
        if body.starts_with(b"wait") {
            let gate = self.gate.notified();
            self.waiting.fetch_add(1, Ordering::SeqCst);
            gate.await;
        }
        match body {
            b"panic" => panic!("as asked"),
            b"reject" => Err(Rejection { status: 400, reason: "MalformedJson", message: "expected value".to_owned() }),
            _ => Ok(Reviewed { body: body.to_vec(), record: record() }),
        }
    }
}

impl Readiness for Echo {
    fn missing(&self) -> Vec<String> {
        self.missing.lock().unwrap().clone()
    }

    fn objects(&self) -> Vec<(&'static str, usize)> {
        vec![("Ingress", 3), ("Service", 7)]
    }
}

fn record() -> Record {
    Record {
        operation: "CREATE",
        verdict: "warn",
        findings: vec![("IG202", "warn"), ("IG301", "audit")],
        would_deny: vec!["IG202"],
        ..Record::default()
    }
}
