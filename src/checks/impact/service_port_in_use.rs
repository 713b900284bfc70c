//! IG802: a port that Ingresses name is removed from its Service, or changed. A review of that write reports it.

use crate::checks::{Applies, Check, Release};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

/// The check that a review of another object reports, with the Ingresses that lose by the write.
pub static SERVICE_PORT_IN_USE: Check = Check {
    code: "IG802",
    name: "service-port-in-use",
    summary: "a port that Ingresses name is removed from its Service, or changed",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("service_port_in_use.md"),
    run: |_, _| {},
};
