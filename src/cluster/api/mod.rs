//! Reads from the API server: lists, watches, and GETs of single objects. Only this module of `cluster` does network I/O.

mod get;
mod list;
mod pages;
mod status;
mod watch;
mod watch_status;
mod watches;
mod writer;

pub use get::{Live, MOST};
pub use list::{ListError, list};
pub use status::SyncStatus;
pub use watch_status::{Pace, WatchStatus};
pub use watches::{Wanted, Watches};
