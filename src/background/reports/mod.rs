//! Reports on the stored Ingresses of each namespace (`openreports.io` or `wgpolicyk8s.io`). `schedule` decides which ones are written,
//! without clock or I/O; `writer` is the client.

mod content;
mod follow;
mod schedule;
mod writer;

pub use content::{Content, Since};
pub use follow::follow_reports;
pub use schedule::{Change as ReportChange, Existing as ExistingReport, Schedule as ReportSchedule};
