//! The task that writes Events while this process holds the Lease.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::announcement::Outcome;
use super::announcer::{Announcer, Surroundings};
use super::writer::Writer;
use crate::background::output::Output;
use crate::background::verdicts::SharedVerdicts;
use crate::cluster::SharedInventory;
use crate::model::{ClassRef, Key};
use crate::telemetry::Metrics;

/// The interval at which verdicts are compared.
const TICK: Duration = Duration::from_secs(1);
/// Pause after a failed list of the Events.
const PAUSE: Duration = Duration::from_secs(5);

/// Writes Events about the stored Ingresses whenever this process holds the Lease.
pub async fn follow_events(
    client: Client,
    instance: String,
    verdicts: SharedVerdicts,
    inventory: SharedInventory,
    metrics: Arc<Metrics>,
    is_holder: impl Fn() -> bool,
) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if is_holder() {
            let output = Output::new("event", Arc::clone(&metrics));
            let writer = Writer::new(client.clone(), instance.clone(), output);
            announce(writer, &verdicts, &inventory, &is_holder).await;
        }
    }
}

/// Writes Events until this process does not hold the Lease any more. The next holder reads the last ones.
async fn announce(
    mut writer: Writer,
    verdicts: &SharedVerdicts,
    inventory: &SharedInventory,
    is_holder: &impl Fn() -> bool,
) {
    let mut announcer = Announcer::default();
    let earlier = loop {
        match writer.earlier(Timestamp::now()).await {
            Ok(earlier) => break earlier,
            // The names of Events follow from their content: most of those that exist are not written again.
            Err(error) if error.code() == Some(403) => {
                tracing::warn!(%error, "cannot list Events: some may be repeated");
                break Vec::new();
            }
            Err(error) => writer.failed(&error),
        }
        sleep(PAUSE).await;
        if !is_holder() {
            return;
        }
    };
    announcer.recover(earlier);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = None;
    while is_holder() {
        ticks.tick().await;
        let now = Timestamp::now();
        let latest = verdicts.load();
        let announcements = {
            let state = inventory.load();
            let class_of = |key: &Key| match state.ingress(&key.namespace, &key.name)?.class_ref() {
                ClassRef::Named(name) | ClassRef::Annotated(name) => Some(name.into()),
                ClassRef::Classless => None,
            };
            let is_terminating = |name: &str| state.namespace(name).is_some_and(|namespace| namespace.deleting);
            let surroundings = Surroundings { class_of: &class_of, is_terminating: &is_terminating };
            if seen.as_ref().is_none_or(|seen| !Arc::ptr_eq(seen, &latest)) {
                announcer.observe(&latest, surroundings, now);
                seen = Some(latest);
            }
            announcer.due(surroundings, now)
        };
        for announcement in announcements {
            if !is_holder() {
                return;
            }
            let outcome = writer.write(&announcement, now).await;
            if outcome == Outcome::Written {
                let (code, regarding) = (announcement.code, &announcement.regarding);
                tracing::debug!(code, ?regarding, change = ?announcement.change, "wrote an Event");
            }
            announcer.done(&announcement, outcome, Timestamp::now());
        }
    }
}
