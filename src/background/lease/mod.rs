//! The Lease (`coordination.k8s.io/v1`) that decides which replica audits the stored Ingresses.

mod candidate;
mod keeper;
mod leadership;
mod outage;

pub use candidate::{Candidate, DURATION, Observed, Write};
pub use keeper::LeaseKeeper;
pub use leadership::Leadership;
pub use outage::Outage;
