//! A judge that does what the body says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ingress_guard::admission::{Record, Rejection, Reviewed};
use ingress_guard::server::{Judge, Readiness};

/// `panic` panics, `reject` is rejected, anything else comes back after a while.
#[derive(Default)]
pub(crate) struct Echo {
    pub(crate) takes: Duration,
    pub(crate) missing: Mutex<Vec<String>>,
}

impl Judge for Echo {
    async fn review(self: &Arc<Self>, body: &[u8]) -> Result<Reviewed, Rejection> {
        tokio::time::sleep(self.takes).await;
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
