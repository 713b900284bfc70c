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
mod fix_text;
mod fixes;
mod kinds;
mod live;
mod manifests;
mod messages;
mod pages;
mod properties;
mod referrers;
mod registry;
mod regressions;
mod routing;
mod server;
mod snapshot;
mod upstream;
mod valid_configurations;
mod work;
mod workloads;
