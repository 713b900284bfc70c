//! Everything that needs no cluster, in one binary: linking once is the slow part.

mod admission;
mod architecture;
mod configuration;
mod manifests;
mod pages;
mod registry;
mod server;
