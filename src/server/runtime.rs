//! The runtime of the webhook port. Reviews run on its threads, so it is apart from the runtime of the health port, the watches and
//! the live reads: no number of reviews delays those.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// A runtime with one thread per core. When it is dropped, its tasks end in the background.
pub(super) struct WebhookRuntime(Option<Runtime>);

impl WebhookRuntime {
    pub(super) fn start() -> io::Result<Self> {
        Builder::new_multi_thread().thread_name("webhook").enable_all().build().map(|runtime| Self(Some(runtime)))
    }

    /// Runs a future on this runtime until the handle is dropped.
    pub(super) fn spawn<F>(&self, future: F) -> AbortOnDropHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let runtime = self.0.as_ref().expect("the runtime ends when it is dropped");
        AbortOnDropHandle::new(runtime.spawn(future))
    }
}

impl Drop for WebhookRuntime {
    fn drop(&mut self) {
        // Another runtime drops it, which must not wait for threads.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
