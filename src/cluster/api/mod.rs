//! Reads from the API server: lists, watches, and GETs of single objects. Only this module of `cluster` does network I/O.

mod get;
mod list;
mod live;
mod pages;
mod read_queue;
mod recent;
mod status;
mod watch;
mod watch_status;
mod watches;
mod writer;

pub use list::{ListError, list};
pub use live::{Live, Referenced};
pub use read_queue::Author;
pub use status::SyncStatus;
pub use watch_status::{Pace, WatchStatus};
pub use watches::{Wanted, Watches};
