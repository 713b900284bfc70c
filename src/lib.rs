//! `ingress-guard`: an Ingress that is stored should serve.
#![doc = ""]
pub mod admission;
pub mod server;
pub mod telemetry;
