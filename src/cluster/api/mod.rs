//! Reads from the API server: lists, watches, and GETs of single objects. Only this module of `cluster` does network I/O.

mod access_review;
mod config_maps;
mod config_text;
mod controller_watches;
mod discovery;
mod get;
mod list;
mod live;
mod pages;
mod pod_event;
mod read_queue;
mod recent;
mod request;
mod rights;
mod running_watches;
mod status;
mod wanted;
mod watch;
mod watch_status;
mod watches;
mod writer;

pub use access_review::{Right, Verb};
pub use config_text::ConfigMapText;
pub use list::{ListError, list};
pub use live::{Live, Referenced};
pub(crate) use pages::ApiError;
pub use pod_event::Pod;
pub(crate) use pod_event::REPORTING_CONTROLLER;
pub use read_queue::Author;
pub(crate) use request::{Answer, Failure, send};
pub use rights::{Dependents, Rights, missing};
pub use status::SyncStatus;
pub use wanted::{ControllerPlace, FindIn, ReadableNamespaces, Wanted};
pub use watch_status::{Pace, WatchStatus};
pub use watches::Watches;
