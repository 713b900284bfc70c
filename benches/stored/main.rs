//! `make stored`: the background audit of a large cluster, in a real API server: its start, its memory, the time until it shows a
//! change, and its effect on reviews.
//!
//! The program runs as deployed, with a Lease, Events and reports. Each Ingress has a Service, an EndpointSlice and a TLS Secret of its own.

#![expect(clippy::print_stdout, reason = "printing the figures is the purpose of a benchmark")]
#![expect(clippy::unwrap_used, reason = "a panic ends the measurement")]

#[path = "../../tests/e2e/assets.rs"]
mod assets;
#[path = "../../tests/e2e/audit_rights.rs"]
mod audit_rights;
#[path = "../review/bodies.rs"]
#[expect(dead_code, reason = "another benchmark uses the rest")]
mod bodies;
#[path = "../../tests/e2e/certificates.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod certificates;
mod changes;
#[path = "../../tests/e2e/cluster.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod cluster;
#[path = "../../tests/e2e/https.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod https;
#[path = "../review/load.rs"]
#[expect(dead_code, reason = "another benchmark uses the rest")]
mod load;
#[path = "../../tests/e2e/names.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod names;
mod objects;
#[path = "../../tests/e2e/registration.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod registration;
#[path = "../../tests/e2e/report_definitions.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod report_definitions;
mod reviews;
mod server;
#[path = "../../tests/skipped/mod.rs"]
mod skipped;
#[path = "../../tests/e2e/supervisor.rs"]
mod supervisor;
#[path = "../attack/trust.rs"]
mod trust;
#[path = "../../tests/e2e/webhook.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod webhook;

use std::time::{Duration, Instant};

use kube::config::{KubeConfigOptions, Kubeconfig};

use cluster::Cluster;
use server::Running;

const INGRESSES: usize = 20_000;
/// A change of one object is visible within this time.
const LIMIT: Duration = Duration::from_secs(10);
/// The time after which memory is measured.
const CALM: Duration = Duration::from_secs(10);

/// `stored [INGRESSES]`
fn main() {
    let first = std::env::args().nth(1);
    // `cargo test --benches` only checks that the program starts.
    if first.as_deref() == Some("--test") {
        return;
    }
    let count = first.and_then(|text| text.parse().ok()).unwrap_or(INGRESSES);
    let Some(cluster) = cluster::alone() else { return };
    let cluster: &Cluster = Box::leak(Box::new(cluster));
    let source = server::account(cluster);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(async {
        let read = Kubeconfig::read_from(cluster.admin()).unwrap();
        let config = kube::Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await.unwrap();
        kube::Client::try_from(config).unwrap()
    });
    let begun = Instant::now();
    runtime.block_on(objects::create(&client, cluster, count));
    println!("{count} Ingresses with their objects created in {:.0} s", begun.elapsed().as_secs_f64());
    let mut highest = Duration::ZERO;
    for (number, secrets) in ["get", "watch"].into_iter().enumerate() {
        println!("\nsecrets: {secrets}");
        let off = Running::start(cluster, &source, secrets, false);
        off.print_start();
        // The other process of the comparison; beside reads of Secrets, it would compare those.
        let off = (secrets == "watch").then_some(off);
        let on = Running::start(cluster, &source, secrets, true);
        on.print_start();
        highest = highest.max(runtime.block_on(changes::measure(&client, &on, number)));
        if let Some(off) = off {
            reviews::measure(&runtime, &client, [&off, &on]);
        }
        on.stop();
    }
    assert!(highest <= LIMIT, "a change was visible after {highest:?}");
}
