//! Ingresses that were stored with missing references: each is evaluated again after a minute.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::sleep_until;

use crate::admission::{Recheck, Rechecked, Reviewer};
use crate::telemetry::Metrics;

/// The time in which a client that creates objects in any order has created the others.
pub const RECHECK_DELAY: Duration = Duration::from_mins(1);

/// Evaluates each queued Ingress once, `delay` after its review, until the reviewer is dropped. What is still missing is logged and
/// counted.
pub async fn follow_rechecks(
    queue: Arc<Mutex<mpsc::Receiver<Recheck>>>,
    delay: Duration,
    reviewer: Arc<Reviewer>,
    metrics: Arc<Metrics>,
) {
    let mut queue = queue.lock().await;
    while let Some(recheck) = queue.recv().await {
        sleep_until(recheck.reviewed + delay).await;
        let this = Arc::clone(&reviewer);
        let evaluated = spawn_blocking(move || (this.recheck(&recheck), recheck)).await;
        let Ok((rechecked, recheck)) = evaluated else {
            tracing::error!(
                "a stored Ingress with missing references was not evaluated again because of an internal error"
            );
            metrics.rechecked("failed");
            continue;
        };
        metrics.rechecked(rechecked.name());
        if let Rechecked::Missing(codes) = rechecked {
            let codes = codes.join(",");
            tracing::warn!(ingress = %recheck.ingress, codes, "references of a stored Ingress are still missing");
        }
    }
}
