//! What the server asks of whoever judges reviews. The sockets, limits and metrics around it know nothing more.

use std::sync::Arc;

use crate::admission::{Rejection, Reviewed, Reviewer};

/// Answers reviews.
pub trait Judge: Send + Sync + 'static {
    /// Judge one body. A future that is dropped (the client went away) must leave nothing half done.
    fn review(self: &Arc<Self>, body: &[u8]) -> impl Future<Output = Result<Reviewed, Rejection>> + Send;
}

/// Says how far the judge can judge.
pub trait Readiness: Send + Sync + 'static {
    /// Why reviews cannot be judged fully yet, one line each; empty when ready.
    fn missing(&self) -> Vec<String>;

    /// Objects in the inventory by kind.
    fn objects(&self) -> Vec<(&'static str, usize)>;
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

    fn objects(&self) -> Vec<(&'static str, usize)> {
        Self::objects(self)
    }
}
