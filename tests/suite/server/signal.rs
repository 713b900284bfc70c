//! Signals sent to this very process; nothing else in this binary listens for them.

use std::process::Command;

use ingress_guard::server::Signals;

use super::client::patiently;

fn kill(signal: &str) {
    let status = Command::new("kill").args([signal, &std::process::id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn the_first_signal_starts_a_drain_and_the_second_ends_it() {
    let signals = Signals::listen().unwrap();
    kill("-TERM");
    patiently(signals.drain.cancelled()).await;
    assert!(!signals.abort.is_cancelled());
    kill("-INT");
    patiently(signals.abort.cancelled()).await;
}
