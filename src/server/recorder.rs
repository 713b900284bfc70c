//! The thread that writes records of reviews. A review never waits for it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::admission::Recording;
use crate::record::Writer;
use crate::telemetry::Metrics;

/// The most reviews that wait to be written.
const QUEUE: usize = 64;

/// Starts a thread that writes reviews. It ends at the first error, such as a full disk: reviews go on without records.
///
/// # Errors
/// If the thread cannot be started.
pub fn start_recorder(writer: Writer, metrics: Arc<Metrics>) -> io::Result<SyncSender<Recording>> {
    let (sender, queue) = sync_channel(QUEUE);
    thread::Builder::new().name("recorder".to_owned()).spawn(move || write(writer, &queue, &metrics))?;
    Ok(sender)
}

fn write(mut writer: Writer, queue: &Receiver<Recording>, metrics: &Metrics) {
    for recording in queue {
        let written = catch_unwind(AssertUnwindSafe(|| writer.write(&recording)));
        if let Err(error) = written.unwrap_or_else(|_| Err(io::Error::other("internal error"))) {
            tracing::error!(%error, "reviews are not recorded any more");
            metrics.recording_stopped();
            return;
        }
        metrics.recorded();
    }
}
