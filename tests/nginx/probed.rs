//! The requests of `probe` for some worlds: nginx is what the model predicts, so that every answer is as predicted.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use ingress_guard::checks::Settings;
use ingress_guard::cluster::{ClusterState, LiveReads};
use ingress_guard::explain::RequestUrl;
use ingress_guard::probe::{
    DefaultBackends, Expected, NoAnswer, Observation, Plan, ProbeResult, ResultKind, Selection, UNUSED_HOST, judge,
};
use ingress_guard::prober::exchange;
use ingress_guard::routing::Scheme;
use tokio::net::UnixStream;

use crate::counts::Counts;
use crate::explained;
use crate::model;
use crate::world::World;

/// Every so many worlds, one is probed.
const EVERY: usize = 5;

/// The results of one world.
#[derive(Debug, Default)]
pub(crate) struct Probed {
    pub(crate) requests: usize,
    pub(crate) as_predicted: usize,
    /// Errors and default backends that are predicted.
    pub(crate) broken: usize,
    /// Every answer that differs from the prediction, in words.
    pub(crate) differences: String,
}

/// Probes the nginx of one in [`EVERY`] worlds; adds the differences to those that are found.
pub(crate) fn add(world: &World, (at, socket): (usize, &Path), counts: &mut Counts, found: &mut Option<String>) {
    if !at.is_multiple_of(EVERY) {
        return;
    }
    let probed = probe(world, socket);
    if !probed.differences.is_empty() {
        found.get_or_insert_default().push_str(&probed.differences);
    }
    counts.probe(&probed);
}

/// Probes the nginx of a world.
fn probe(world: &World, socket: &Path) -> Probed {
    let inventory = explained::cluster(world);
    let live_reads = LiveReads::default();
    let known = ClusterState { store: &inventory, live_reads: &live_reads, now: jiff::Timestamp::UNIX_EPOCH };
    let settings = Settings { dialects: model::dialects(), ..Settings::default() };
    let plan = Plan::of(known, &settings, &Selection::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut backends = DefaultBackends::default();
    let observations: Vec<Observation> = runtime.block_on(async {
        if !plan.default_backends.is_empty() {
            let host = UNUSED_HOST.to_owned();
            let unused =
                RequestUrl { scheme: Scheme::Http, host, path: "/".to_owned(), query: None, notes: Vec::new() };
            backends.add(Scheme::Http, &ask(socket, &unused).await);
        }
        let mut observations = Vec::new();
        for planned in &plan.requests {
            observations.push(ask(socket, &planned.request).await);
        }
        observations
    });
    let results = judge(&plan.requests, &observations, &backends, known.now, false);
    let mut probed = Probed { requests: results.len(), ..Probed::default() };
    for (planned, result) in plan.requests.iter().zip(&results) {
        let wanted = match planned.expectation.answer {
            Expected::Backend(_) | Expected::Redirect(_) => ResultKind::AsPredicted,
            Expected::Status(_) | Expected::Error => ResultKind::ControllerError,
            Expected::DefaultBackend => ResultKind::DefaultBackend,
            Expected::Previous | Expected::Unknown => continue,
        };
        probed.as_predicted += usize::from(result.result == ResultKind::AsPredicted);
        probed.broken += usize::from(result.result.is_broken());
        if result.result != wanted {
            let ProbeResult { url, result, detail, predicted, .. } = result;
            let _ =
                writeln!(probed.differences, "probe {url}: {result}, not {wanted}: {detail}; predicted: {predicted}");
        }
    }
    probed
}

async fn ask(socket: &Path, request: &RequestUrl) -> Observation {
    let stream = UnixStream::connect(socket).await.unwrap();
    let answer = exchange(stream, request, axum::http::Method::GET).await;
    assert!(!matches!(answer, Err(NoAnswer::NotSent(_))), "{}: {answer:?}", request.url());
    Observation { address: Some(SocketAddr::from(([192, 0, 2, 1], 80))), certificate: None, answer }
}
