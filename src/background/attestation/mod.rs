//! Writes of Ingresses that were stored without a review while replicas run.
//!
//! Each replica states for each write that it sees by watch whether it has reviewed it. The statements are in an annotation of the Lease.
//! The holder counts a write as not reviewed if as many replicas state that as the Service had endpoints at most.

mod conditions;
mod exchange;
mod statement;
mod writes;

pub use conditions::KINDS as ATTESTED_KINDS;
pub use exchange::Exchange;
pub use statement::{ANNOTATION, Statement, Statements, WriteId};
pub use writes::{Decided, Moment, StoredWrites};
