//! The time from a change of one object until the audit shows it, in its metrics, as an Event and in a report.

use std::time::{Duration, Instant};

use kube::Client;
use serde_json::Value;

use crate::LIMIT;
use crate::objects::{create_service, delete_service, namespace, read};
use crate::server::Running;

/// Services that are deleted, each in a namespace of its own.
const SAMPLES: usize = 5;
/// The distance between the Ingresses of two of them.
const STRIDE: usize = 320;
/// A report is written at most once in this time.
const MINUTE: Duration = Duration::from_mins(1);

/// The times until the metrics, the Event and the report show a change.
type Times = [Duration; 3];

/// Deletes Services and creates them again. Returns the longest time until the audit shows it. `round` selects other Services.
pub(crate) async fn measure(client: &Client, running: &Running, round: usize) -> Duration {
    let services: Vec<usize> = (0..SAMPLES).map(|sample| (round * SAMPLES + sample + 1) * STRIDE + 3).collect();
    let mut deleted = Vec::new();
    for n in &services {
        let before = running.services_not_found();
        let sent = Instant::now();
        delete_service(client, *n).await;
        deleted.push(seen(client, running, *n, sent, "ServiceNotFound", |now| now > before).await);
    }
    print("Service deleted", &deleted);
    tokio::time::sleep(MINUTE).await;
    let mut healed = Vec::new();
    for n in &services {
        let before = running.services_not_found();
        let sent = Instant::now();
        create_service(client, *n).await;
        healed.push(seen(client, running, *n, sent, "Resolved", |now| now < before).await);
    }
    print("Service created", &healed);
    deleted.iter().chain(&healed).flatten().copied().max().unwrap_or_default()
}

/// Returns the times after `sent` at which the findings, an Event with this reason and the report show the change.
async fn seen(
    client: &Client,
    running: &Running,
    n: usize,
    sent: Instant,
    reason: &str,
    is_seen: impl Fn(f64) -> bool,
) -> Times {
    let of = namespace(n);
    let (events, report) = (
        format!("/apis/events.k8s.io/v1/namespaces/{of}/events"),
        format!("/apis/openreports.io/v1alpha1/namespaces/{of}/reports/ingress-guard"),
    );
    let is_resolved = reason == "Resolved";
    let mut times = [None; 3];
    while times.contains(&None) && sent.elapsed() < LIMIT * 6 {
        if times[0].is_none() && is_seen(running.services_not_found()) {
            times[0] = Some(sent.elapsed());
        }
        if times[1].is_none() {
            let list = read(client, &events).await.unwrap_or_default();
            let has_reason = |event: &Value| event["reason"] == reason && event["regarding"]["kind"] == "Ingress";
            if list["items"].as_array().is_some_and(|events| events.iter().any(has_reason)) {
                times[1] = Some(sent.elapsed());
            }
        }
        // A namespace without a finding has no report.
        if times[2].is_none() && read(client, &report).await.is_none() == is_resolved {
            times[2] = Some(sent.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times.map(|time| time.unwrap_or(Duration::MAX))
}

fn print(change: &str, times: &[Times]) {
    for (at, place) in ["metric", "Event", "report"].into_iter().enumerate() {
        let mut of: Vec<f64> = times.iter().map(|times| times[at].as_secs_f64()).collect();
        of.sort_by(f64::total_cmp);
        println!(
            "{change:<18} {place:<6} after {:.1} s, at most {:.1} s of {}",
            of[of.len() / 2],
            of[of.len() - 1],
            of.len()
        );
    }
}
