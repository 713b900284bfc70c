//! Whether the API server has Ingresses reviewed: each link from its registration to the answer of the webhook, with the command
//! that fixes a broken one. This module performs no I/O: `src/cli/doctor` collects the facts.

mod backend;
mod command;
mod diagnosis;
mod dry_run;
mod facts;
mod impact;
mod network;
mod other_webhooks;
mod registration;
mod replicas;
mod rights;
mod selection;
mod transport;

pub use diagnosis::{Diagnosis, Outcome, diagnose};
pub use dry_run::{bad_ingress, good_ingress};
pub use facts::{Answer, Connection, DryRuns, Endpoint, Fact, Facts, Registration, Replica};
pub use registration::{Wanted, find, selected};
