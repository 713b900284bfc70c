//! The location model against a real nginx. Worlds of Ingresses are made up; a naive controller of our own writes the
//! configuration that ingress-nginx would write for them; nginx loads it, or refuses it, and is asked; and the model has to
//! say the same of every request and of every refusal, and `explain` of some requests to each world.
//!
//! `NGINX_WORLDS` says how many worlds (2,000), `NGINX_SEED` repeats a run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod compare;
mod controller;
mod counts;
mod explained;
mod model;
mod process;
mod render;
mod requests;
#[path = "../skipped/mod.rs"]
mod skipped;
mod world;
