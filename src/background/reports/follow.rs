//! The task that writes reports while this process holds the Lease.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::schedule::{Change, Schedule};
use super::writer::ReportKind;
use crate::background::output::Output;
use crate::background::verdicts::SharedVerdicts;
use crate::cluster::{ApiError, SharedInventory};
use crate::telemetry::Metrics;

/// One report is written in each interval: five a second.
const TICK: Duration = Duration::from_millis(200);
/// The interval at which the kinds of reports are looked up: `CustomResourceDefinitions` come and go.
const DISCOVERY: Duration = Duration::from_secs(30);
/// The interval at which the reports are listed, in case that others have changed them.
const LISTING: Duration = Duration::from_hours(1);

/// Writes reports on the stored Ingresses whenever this process holds the Lease and the cluster has a kind of reports.
pub async fn follow_reports(
    client: Client,
    verdicts: SharedVerdicts,
    inventory: SharedInventory,
    metrics: Arc<Metrics>,
    is_holder: impl Fn() -> bool,
) {
    let mut sources = Sources { client, verdicts, inventory, output: Output::new("report", metrics) };
    let (mut schedule, mut last) = (Schedule::default(), None);
    loop {
        if !is_holder() {
            (schedule, last) = (Schedule::default(), None);
            sleep(TICK).await;
            continue;
        }
        match ReportKind::of_cluster(&sources.client).await {
            Ok(kinds) => {
                let kind = kinds.first().copied();
                if kind != last {
                    (schedule, last) = (Schedule::default(), kind);
                    tracing::info!(kind = kind.map_or("none", ReportKind::name), "kind of the reports on namespaces");
                }
                match sources.publish(&kinds, &mut schedule, &is_holder).await {
                    Ok(()) => continue,
                    Err(error) => sources.output.failed(&error),
                }
            }
            Err(error) => sources.output.failed(&error),
        }
        pause(&is_holder).await;
    }
}

/// Waits until the kinds of reports are looked up again.
async fn pause(is_holder: &impl Fn() -> bool) {
    let end = Instant::now() + DISCOVERY;
    while is_holder() && Instant::now() < end {
        sleep(TICK).await;
    }
}

struct Sources {
    client: Client,
    verdicts: SharedVerdicts,
    inventory: SharedInventory,
    output: Output,
}

impl Sources {
    /// Writes reports of the first of these kinds and deletes those of the others, until the kinds change, the reports must be listed
    /// again, or this process does not hold the Lease any more.
    async fn publish(
        &mut self,
        kinds: &[ReportKind],
        schedule: &mut Schedule,
        is_holder: &impl Fn() -> bool,
    ) -> Result<(), ApiError> {
        let Some((kind, older)) = kinds.split_first() else {
            pause(is_holder).await;
            return Ok(());
        };
        schedule.recover(kind.list(&self.client).await?);
        let mut superseded = Vec::new();
        for kind in older {
            let reports = kind.list(&self.client).await?;
            superseded.extend(reports.into_iter().map(|report| (*kind, report.namespace)));
        }
        let (mut seen, begun, mut asked) = (None, Instant::now(), Instant::now());
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while is_holder() && begun.elapsed() < LISTING {
            ticks.tick().await;
            if asked.elapsed() >= DISCOVERY {
                asked = Instant::now();
                if ReportKind::of_cluster(&self.client).await.is_ok_and(|found| found != kinds) {
                    return Ok(());
                }
            }
            let latest = self.verdicts.load();
            if seen.as_ref().is_none_or(|seen| !Arc::ptr_eq(seen, &latest)) {
                schedule.observe(&latest);
                seen = Some(latest);
            }
            if let Some(change) = self.next(schedule) {
                let is_made = self.make(*kind, &change).await;
                schedule.done(change, is_made, Timestamp::now());
            } else if let Some((kind, namespace)) = superseded.pop()
                && let Err(error) = kind.delete(&self.client, &namespace).await
            {
                self.output.failed(&error);
            }
        }
        Ok(())
    }

    fn next(&self, schedule: &mut Schedule) -> Option<Change> {
        let state = self.inventory.load();
        let is_terminating = |name: &str| state.namespace(name).is_some_and(|namespace| namespace.deleting);
        schedule.next(is_terminating, Timestamp::now())
    }

    /// Makes a change. Returns false if it has to be tried again.
    async fn make(&mut self, kind: ReportKind, change: &Change) -> bool {
        let Change { namespace, content } = change;
        let made = match content {
            Some(content) => kind.apply(&self.client, namespace, content).await,
            None => kind.delete(&self.client, namespace).await,
        };
        match made {
            Ok(()) => {
                self.output.written();
                true
            }
            // The namespace is gone or is being deleted.
            Err(error) if error.code() == Some(404) || error.is_of_terminating_namespace() => true,
            Err(error) => {
                self.output.failed(&error);
                false
            }
        }
    }
}
