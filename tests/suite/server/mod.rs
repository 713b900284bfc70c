//! The server on real sockets: TLS, limits, slow clients, certificate swaps and the end.

pub(crate) mod client;
mod configuration;
mod drain;
mod eviction;
pub(crate) mod handler;
mod health;
mod limits;
mod page;
pub(crate) mod pki;
mod places;
mod probes;
mod reload;
mod requests;
pub(crate) mod running;
mod signal;
mod slow;
mod tls;
