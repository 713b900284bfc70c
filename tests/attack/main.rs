//! The attacks of `make attack` with the debug build and loose bounds: tests share their machine.

#[path = "../../benches/attack/api_server.rs"]
mod api_server;
#[path = "../../benches/attack/bodies.rs"]
mod bodies;
#[path = "../../benches/attack/client.rs"]
mod client;
#[path = "../../benches/attack/program.rs"]
mod program;
#[path = "../../benches/attack/run.rs"]
mod run;
#[path = "../../benches/attack/trust.rs"]
mod trust;

use std::time::Duration;

/// A debug build needs more time for each step, and more memory. Few connections attack, because each step blocks others for
/// longer.
const BOUNDS: run::Bounds = run::Bounds {
    duration: Duration::from_secs(1),
    delay: Duration::from_millis(500),
    lag: Duration::from_secs(2),
    memory: 512,
    // A denial whose evidence is read too late is not confirmed.
    lost: 5,
    connections: 8,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_attack_delays_or_loses_an_honest_denial() {
    assert!(run::run(&BOUNDS, "").await, "an attack exceeds a bound");
}
