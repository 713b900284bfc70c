//! What the server asks of whoever judges reviews. The sockets, limits and metrics around it know nothing more.

use std::sync::Arc;

use crate::admission::{Rejection, Reviewed, Reviewer};
use crate::cluster::WatchStatus;

/// Answers reviews.
pub trait Judge: Send + Sync + 'static {
    /// Judge one body. A future that is dropped (the client went away) must leave nothing half done.
    fn review(self: &Arc<Self>, body: &[u8]) -> impl Future<Output = Result<Reviewed, Rejection>> + Send;
}

/// Says how far the judge can judge.
pub trait Readiness: Send + Sync + 'static {
    /// Why reviews cannot be judged fully yet, one line each; empty when ready.
    fn missing(&self) -> Vec<String>;

    /// What is worth a line although it is ready.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Objects in the inventory by kind.
    fn objects(&self) -> Vec<(&'static str, usize)>;

    /// How the watches are doing, if there are any.
    fn feeds(&self) -> Vec<WatchStatus> {
        Vec::new()
    }
}

impl Judge for Reviewer {
    async fn review(self: &Arc<Self>, body: &[u8]) -> Result<Reviewed, Rejection> {
        Self::review(self, body).await
    }
}

impl Readiness for Reviewer {
    fn missing(&self) -> Vec<String> {
        Self::missing(self)
    }

    fn notes(&self) -> Vec<String> {
        Self::notes(self)
    }

    fn objects(&self) -> Vec<(&'static str, usize)> {
        Self::objects(self)
    }

    fn feeds(&self) -> Vec<WatchStatus> {
        Self::feeds(self)
    }
}
