//! Certificates that the process manages itself: the CA and what it may sign, the objects that hold it, and its rotation by several
//! processes at once.

mod authority;
mod objects;
mod rotation;
mod several;

use std::time::Duration;

use ingress_guard::certificates::{Authority, ServiceName};
use jiff::Timestamp;

fn service() -> ServiceName {
    "ingress-guard.guard".parse().unwrap()
}

fn start() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

fn ca(created: Timestamp) -> Authority {
    Authority::generate(&service(), created, Duration::from_hours(24)).unwrap()
}
