//! IG801: a Service that Ingresses send requests to is deleted, or can no longer be their backend. A review of that write reports it.

use crate::checks::{Applies, Check, Release};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

/// The check that a review of another object reports, with the Ingresses that lose by the write.
pub static SERVICE_IN_USE: Check = Check {
    code: "IG801",
    name: "service-in-use",
    summary: "a Service that Ingresses send requests to is deleted, or can no longer be their backend",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("service_in_use.md"),
    run: |_, _| {},
};
