//! Reads from the API server: lists, watches, and GETs of single objects. Only this module of `cluster` does network I/O.

mod feeds;
mod get;
mod list;
mod pages;
mod status;
mod watch;

pub use feeds::{Feed, Feeds, Pace, Wanted};
pub use get::{Live, MOST};
pub use list::{ListError, list};
pub use status::SyncStatus;
