//! `make attack`: hostile reviews and connections beside honest ones, against the program as deployed.
//!
//! Each row runs one attack for some seconds. Meanwhile small honest reviews of an invalid Ingress must be denied, `/livez` must
//! answer, and the watches must deliver changes. The bounds are those of docs/reliability.md; a broken bound fails the run.

mod api_server;
mod bodies;
mod client;
mod program;
mod run;
mod trust;

use std::time::Duration;

use run::Bounds;

/// The bounds on an idle machine. The memory limit is that of the chart.
const BOUNDS: Bounds = Bounds {
    duration: Duration::from_secs(4),
    delay: Duration::from_millis(50),
    lag: Duration::from_millis(200),
    memory: 256,
    lost: 0,
    connections: usize::MAX,
};

fn main() {
    // `cargo test --benches` only checks that the program starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    assert!(runtime.block_on(run::run(&BOUNDS, &wanted)), "an attack exceeds a bound");
}
