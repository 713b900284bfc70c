//! The functions that are fuzzed. Each takes any bytes and panics if a promise of the program does not hold.
//!
//! `make fuzz` runs them under libFuzzer. The test `fuzz` of the suite includes this file and runs them over the committed seeds, so that
//! it needs neither a sanitizer nor another toolchain.

mod config;
mod fix;
mod manifest;
mod pem;
mod review;
mod routing;
mod snapshot;
mod url;
mod world;

/// A target.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name of its binary and of its seeds.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
    /// The directories with seeds, relative to the repository.
    pub seeds: &'static [&'static str],
}

/// Every target.
pub const TARGETS: [Target; 8] = [
    Target {
        name: "review",
        run: review::run,
        seeds: &["fuzz/seeds/review", "examples/reviews", "tests/reviews/recorded"],
    },
    Target {
        name: "manifest",
        run: manifest::run,
        seeds: &["fuzz/seeds/manifest", "examples", "examples/cluster", "tests/data/check/shop", "tests/reviews"],
    },
    Target {
        name: "fix",
        run: fix::run,
        seeds: &["fuzz/seeds/fix", "examples", "examples/cluster", "tests/data/check/shop"],
    },
    Target { name: "routing", run: routing::run, seeds: &["fuzz/seeds/routing"] },
    Target { name: "url", run: url::run, seeds: &["fuzz/seeds/url"] },
    Target { name: "snapshot", run: snapshot::run, seeds: &["fuzz/seeds/snapshot"] },
    Target { name: "config", run: config::run, seeds: &["fuzz/seeds/config", "examples"] },
    Target { name: "pem", run: pem::run, seeds: &["fuzz/seeds/pem", "tests/suite/server/fixtures"] },
];

/// Runs the target of this name.
///
/// # Panics
/// If a promise does not hold, or there is no such target.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the name of a target");
    (target.run)(bytes);
}
