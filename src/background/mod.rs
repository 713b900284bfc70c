//! The background audit: `serve` analyses the stored Ingresses again whenever something changes that a verdict depends on.
//!
//! One replica does it, which holds a [Lease](LeaseKeeper). [`Audit`] decides what to evaluate, and `src/server/stored.rs` gives it
//! time and reads.

mod affected;
mod attestation;
mod audit;
mod evaluation;
mod events;
mod figures;
mod lease;
mod output;
mod page;
mod problem;
mod queue;
mod reads;
mod references;
mod reports;
mod timetable;
mod unreviewed;
mod verdicts;

pub use attestation::{
    ANNOTATION, ATTESTED_KINDS, Decided, Exchange, Moment, Statement, Statements, StoredWrites, WriteId,
};
pub use audit::{Audit, Pass, World};
pub use events::{Announcement, Announcer, Change, Earlier, Outcome, Regarding, Surroundings, follow_events};
pub use figures::{OTHERS, figures};
pub use lease::{Candidate, DURATION, Leadership, LeaseKeeper, Observed, Outage, Write};
pub use page::page;
pub use reads::{AGAIN, BEFORE_END, REFUSED, Reads, SOON};
pub use reports::{Content, ExistingReport, ReportChange, ReportSchedule, Since, follow_reports};
pub use unreviewed::{Unreviewed, misdated, unreviewed};
pub use verdicts::{SharedVerdicts, StoredFinding, StoredRoutes, StoredVerdict, Verdicts};
