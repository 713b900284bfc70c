//! Everything that needs no cluster, in one binary: linking once is the slow part.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admission;
mod architecture;
mod audit;
mod binary;
mod check;
mod configuration;
mod engine;
mod explain;
mod fixes;
mod image;
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
mod traps;
mod upstream;
mod work;
mod workloads;
mod zoo;
