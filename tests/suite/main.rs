//! Everything that needs no cluster, in one binary: linking once is the slow part.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admission;
mod architecture;
mod audit;
mod binary;
mod check;
mod configuration;
#[path = "../console/mod.rs"]
mod console;
mod docs;
mod engine;
mod explain;
mod fixes;
mod image;
mod language;
mod live;
mod manifests;
mod mending;
mod messages;
mod pages;
mod properties;
mod referrers;
mod registry;
mod routing;
mod server;
#[path = "../skipped/mod.rs"]
mod skipped;
mod traps;
mod upstream;
mod work;
mod workloads;
mod zoo;
