//! Requests to every public host and path, and their answers compared with what `explain` predicts. This module is pure:
//! `prober` sends the requests.

mod address;
mod certificate;
mod compare;
mod default_backend;
mod expectation;
mod judge;
mod junit;
mod observation;
mod plan;
mod result;
mod text;

pub use address::{ClusterAddresses, Refusal, refusal};
pub use certificate::{SeenCertificate, is_fake};
pub use compare::{Comparison, HostComparison, Safety, compare};
pub use default_backend::{DefaultBackends, UNUSED_HOST};
pub use expectation::{Expectation, Expected, Protection};
pub use judge::judge;
pub use junit::junit;
pub use observation::{CUT, NoAnswer, Observation, Response};
pub use plan::{Plan, Planned, Selection};
pub use result::{ProbeReport, ProbeResult, ResultKind};
pub use text::table;
