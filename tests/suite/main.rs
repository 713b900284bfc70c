//! The one test binary of the crate.

mod server;
