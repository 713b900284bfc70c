//! The requests to the hosts and paths of Ingresses, pass after pass. One replica sends them.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::admission::SharedRules;
use crate::background::Leadership;
use crate::cluster::{ClusterState, Coverage, LiveReads, SharedInventory};
use crate::config::ProbeSettings;
use crate::model::Kind;
use crate::probe::{Plan, ProbeResult, Selection, judge};
use crate::prober::{AddressSource, Addresses, Pace, Prober};
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

/// The pause before the role of this replica and the cache are looked at again.
const PAUSE: Duration = Duration::from_secs(1);
/// The time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most requests to a host in a second.
const PER_HOST: f64 = 1.0;
/// The most requests of a pass.
const MAX_REQUESTS: usize = 10_000;
/// The most requests to a host in a pass. With one per second, no host makes a pass long.
const MAX_OF_HOST: usize = 500;
/// The most log lines of a pass.
const MAX_LINES: usize = 100;

/// What the requests depend on.
#[derive(Clone)]
pub struct Probing {
    /// The states of the cluster.
    pub inventory: SharedInventory,
    /// The rules of reviews, which contain the settings of controllers.
    pub rules: SharedRules,
    /// The settings.
    pub settings: ProbeSettings,
    /// Whether hosts are named in metrics.
    pub names_hosts: bool,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// What a pass has shown.
struct Pass {
    results: Vec<ProbeResult>,
    /// The number of requests without a result: above the limits, or with a prediction that has changed meanwhile.
    left_out: usize,
}

/// The broken results of a pass, by URL and result.
type Broken = HashSet<(String, &'static str)>;

/// Sends the requests of each pass while this replica is the holder, until the future is dropped. Another replica that becomes the holder
/// begins a pass of its own.
pub async fn follow_probes(probing: Probing, is_holder: impl Fn() -> bool) {
    let interval = probing.settings.interval.try_into().unwrap_or(PAUSE);
    let mut before = Broken::new();
    loop {
        if !is_holder() {
            probing.metrics.probes.clear();
            before.clear();
            sleep(PAUSE).await;
            continue;
        }
        if probing.inventory.load().coverage(Kind::Ingress) != Coverage::Complete {
            sleep(PAUSE).await;
            continue;
        }
        let Some(pass) = while_holding(&is_holder, probing.pass()).await else { continue };
        match pass {
            Some(Pass { results, left_out }) => {
                before = report(&results, &before);
                probing.metrics.probes.show(&results, left_out, probing.names_hosts, Timestamp::now());
            }
            // Old results would look like those of now.
            None => probing.metrics.probes.clear(),
        }
        let _ = while_holding(&is_holder, sleep(interval)).await;
    }
}

/// Runs a future as long as this replica is the holder.
async fn while_holding<T>(is_holder: &impl Fn() -> bool, work: impl Future<Output = T>) -> Option<T> {
    let lost = async {
        while is_holder() {
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        done = work => Some(done),
        () = lost => None,
    }
}

impl Probing {
    /// Starts the task, if the configuration enables it.
    #[must_use]
    pub fn start(self, leadership: &Leadership, tasks: &Tasks) -> Option<AbortOnDropHandle<()>> {
        let (is_enabled, leadership) = (self.settings.enabled, leadership.clone());
        let following = move || {
            let leadership = leadership.clone();
            follow_probes(self.clone(), move || leadership.is_holder())
        };
        is_enabled.then(|| AbortOnDropHandle::new(tasks.keep("probe", following)))
    }

    /// Sends one request for each path of the selected namespaces. A request whose prediction has changed meanwhile has no result, because
    /// its answer may be older or newer than the change. `None`: an internal error.
    async fn pass(&self) -> Option<Pass> {
        let plan = self.plan().await?;
        for line in &plan.left_out {
            tracing::info!(what = line, "the probe leaves out");
        }
        let source = self.settings.via.clone().map_or(AddressSource::Published, AddressSource::Named);
        let prober = Prober::new(TIMEOUT, Pace::new(f64::from(self.settings.rate), PER_HOST));
        let (observations, backends) = prober.run(&plan, &Addresses::new(source, None), || {}).await;
        let later = self.plan().await?;
        on_thread(move || {
            let (sent, above_limit) = (plan.requests.len(), plan.above_limit);
            let (requests, observations) = plan.still_in(&later, observations);
            let changed = sent - requests.len();
            if changed > 0 {
                tracing::info!(changed, "the probe leaves out answers whose prediction has changed meanwhile");
            }
            let results = judge(&requests, &observations, &backends, Timestamp::now(), true);
            Pass { results, left_out: above_limit + changed }
        })
        .await
    }

    /// Plans the requests on the current state.
    async fn plan(&self) -> Option<Plan> {
        let (state, rules, settings) = (self.inventory.load(), self.rules.load(), self.settings.clone());
        on_thread(move || {
            let live_reads = LiveReads::default();
            let known = ClusterState { store: &state, live_reads: &live_reads, now: Timestamp::now() };
            let names = state.ingresses().map(|ingress| ingress.meta.key.namespace.to_string());
            let names: HashSet<String> = names.filter(|name| settings.includes(name)).collect();
            let selection = Selection {
                namespaces: Some(names),
                samples: 1,
                is_brief: true,
                limit: MAX_REQUESTS,
                limit_of_host: MAX_OF_HOST,
                ..Selection::default()
            };
            let mut plan = Plan::of(known, rules.engine.settings(), &selection);
            plan.interleave();
            plan
        })
        .await
    }
}

/// Runs work on a thread for blocking work. `None`: it panicked.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let done = spawn_blocking(work).await;
    done.inspect_err(|_| tracing::error!("the probe has no results because of an internal error")).ok()
}

/// Logs what is broken now and was not before, and returns it.
fn report(results: &[ProbeResult], before: &Broken) -> Broken {
    let broken = || results.iter().filter(|result| result.result.is_broken());
    let is_new = |result: &&ProbeResult| !before.contains(&(result.url.clone(), result.result.name()));
    for result in broken().filter(is_new).take(MAX_LINES) {
        let ProbeResult { url, ingress, detail, .. } = result;
        let link = result.broken.as_ref().map(|step| format!("{}: {}", step.what, step.detail)).unwrap_or_default();
        tracing::warn!(url, ingress, result = result.result.name(), detail, link, "a request of the probe fails");
    }
    let now: Broken = broken().map(|result| (result.url.clone(), result.result.name())).collect();
    let healed = before.difference(&now).count();
    let requests = results.len();
    tracing::info!(requests, broken = now.len(), healed, "the probe has requested every path");
    now
}

#[cfg(test)]
mod tests {
    use super::on_thread;

    #[tokio::test]
    async fn a_panic_gives_no_results() {
        assert_eq!(on_thread(|| 1).await, Some(1));
        assert_eq!(on_thread(|| assert!(std::hint::black_box(false))).await, None);
    }
}
