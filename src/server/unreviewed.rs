//! The task that finds writes of Ingresses that were stored without a review while replicas run.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::admission::AllowedWrites;
use crate::background::{
    ATTESTED_KINDS, Decided, Exchange, Leadership, Moment, SharedVerdicts, StoredWrites, Unreviewed,
};
use crate::cluster::{SharedInventory, Watches};
use crate::model::Key;
use crate::telemetry::Metrics;

/// The time between two looks at the cluster.
const TICK: Duration = Duration::from_secs(1);

/// What the task follows, and where it shows what it finds.
#[derive(Clone)]
pub struct FollowedWrites {
    /// The name of this replica in the Lease.
    pub replica: String,
    /// The Service that the API server calls for reviews.
    pub service: Key,
    /// The states of the cluster.
    pub inventory: SharedInventory,
    /// The watches behind them.
    pub watches: Watches,
    /// The contents that this replica has allowed.
    pub allowed: Arc<AllowedWrites>,
    /// The statements of all replicas.
    pub exchange: Exchange,
    /// Whether this replica is the one that decides.
    pub leadership: Leadership,
    /// The verdicts on the stored Ingresses.
    pub verdicts: SharedVerdicts,
    /// The metrics that count what is found.
    pub metrics: Arc<Metrics>,
}

/// Follows the writes of Ingresses until the future is dropped.
///
/// # Panics
/// If a look at the cluster panics.
pub async fn follow_writes(followed: FollowedWrites) {
    let FollowedWrites { replica, service, exchange, metrics, .. } = &followed;
    let mut writes = StoredWrites::new(replica.clone(), service.clone(), Instant::now());
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let following = followed.clone();
        let looked = spawn_blocking(move || {
            let decided = following.look(&mut writes);
            (writes, decided)
        });
        let decided;
        (writes, decided) = match looked.await {
            Ok(looked) => looked,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime ends.
                Err(_) => return,
            },
        };
        for decided in decided {
            match decided {
                Decided::Unreviewed(Unreviewed { ingress, would_deny }) => {
                    tracing::warn!(%ingress, would_deny, "an Ingress was stored without a review, although a replica ran");
                    metrics.stored.unreviewed(would_deny);
                }
                Decided::Unknown => {
                    metrics.stored.review_unknown.inc();
                }
            }
        }
        exchange.state(writes.statement(followed.leadership.is_holder()));
    }
}

impl FollowedWrites {
    fn look(&self, writes: &mut StoredWrites) -> Vec<Decided> {
        let now = Instant::now();
        let is_current = |kind| self.watches.is_current(kind, now);
        let (verdicts, statements) = (self.verdicts.load(), self.exchange.all());
        writes.note(&Moment {
            now,
            server_time: self.exchange.server_time(),
            state: self.inventory.load(),
            is_current: ATTESTED_KINDS.into_iter().all(is_current),
            allowed: &self.allowed,
            is_holder: self.leadership.is_holder(),
            verdicts: &verdicts,
            statements: &statements,
        })
    }
}
