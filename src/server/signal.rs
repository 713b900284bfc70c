//! Signal handling: the first SIGTERM or SIGINT starts a drain, the second ends the process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The tokens that signals cancel.
#[derive(Debug, Clone)]
pub struct Signals {
    /// Cancelled by the first signal: drain and exit.
    pub drain: CancellationToken,
    /// Cancelled by the second signal: exit at once.
    pub abort: CancellationToken,
}

impl Signals {
    /// Handles SIGTERM and SIGINT from now on. It must be called within the runtime.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
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
            tracing::warn!(signal = name, "second signal, exiting without drain");
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
