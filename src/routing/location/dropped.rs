//! Paths without a location.

use crate::model::{Ingress, PathRef};

/// A path without a location.
#[derive(Debug, Clone, Copy)]
pub struct Dropped<'a> {
    /// The Ingress of the path.
    pub ingress: &'a Ingress,
    /// The path.
    pub at: PathRef<'a>,
    /// The reason.
    pub why: DroppedBecause<'a>,
}

/// The reason why a path has no location (section 2.4).
#[derive(Debug, Clone, Copy)]
pub enum DroppedBecause<'a> {
    /// An older path has the same text and type.
    Duplicate(&'a Ingress),
    /// The backend is not a Service.
    Resource,
    /// The first to use this Service and port is a canary (section 7.1).
    CanaryUpstream,
    /// The controller gives the host to this older Ingress alone.
    HostOf(&'a Ingress),
    /// A minion without a master for the host.
    NoMaster,
}
