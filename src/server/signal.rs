//! From signals to tokens: the first SIGTERM or SIGINT asks for a drain, the second for an immediate end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The two requests to end that a process can receive.
#[derive(Debug, Clone)]
pub struct Signals {
    /// Cancelled by the first signal: drain and return.
    pub drain: CancellationToken,
    /// Cancelled by the second: whoever waits gives up at once.
    pub abort: CancellationToken,
}

impl Signals {
    /// Take over SIGTERM and SIGINT. Must be called within the runtime.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn listen() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let signals = Self { drain: CancellationToken::new(), abort: CancellationToken::new() };
        let ours = signals.clone();
        tokio::spawn(async move {
            let name = next(&mut terminate, &mut interrupt).await;
            tracing::info!(signal = name, "draining");
            ours.drain.cancel();
            let name = next(&mut terminate, &mut interrupt).await;
            tracing::warn!(signal = name, "second signal: ending at once");
            ours.abort.cancel();
        });
        Ok(signals)
    }
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
