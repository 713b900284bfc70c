//! The location model against a real nginx. The test generates random worlds of Ingresses; an independent, simple
//! controller writes the configuration that ingress-nginx would write for them; nginx loads or rejects it and answers
//! requests. The model must agree on every request and every rejection, `explain` on some requests to each world, and the
//! findings of the checks with both.
//!
//! `NGINX_WORLDS` sets the number of worlds (2,000), `NGINX_SEED` repeats a run.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod annotations;
mod compare;
mod controller;
mod counts;
mod directives;
mod explained;
mod findings;
mod generate;
mod model;
mod names;
mod probed;
mod probing;
mod process;
mod render;
mod requests;
#[path = "../skipped/mod.rs"]
mod skipped;
mod values;
mod world;
