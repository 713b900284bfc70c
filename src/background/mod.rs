//! The background audit: `serve` analyses the stored Ingresses again whenever something changes that a verdict depends on.
//!
//! One replica does it, which holds a [Lease](LeaseKeeper). [`Audit`] decides what to evaluate, and `src/server/stored.rs` gives it
//! time and reads.

mod affected;
mod audit;
mod evaluation;
mod figures;
mod lease;
mod queue;
mod reads;
mod references;
mod timetable;
mod unreviewed;
mod verdicts;

pub use audit::{Audit, Pass, World};
pub use figures::{OTHERS, figures};
pub use lease::{Candidate, DURATION, Leadership, LeaseKeeper, Observed, Outage, Write};
pub use reads::{AGAIN, BEFORE_END, REFUSED, Reads, SOON};
pub use unreviewed::{Unreviewed, unreviewed};
pub use verdicts::{SharedVerdicts, StoredFinding, StoredRoutes, StoredVerdict, Verdicts};
