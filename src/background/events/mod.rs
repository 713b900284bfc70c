//! Events on Ingresses that break or heal after they were stored. `announcer` decides which ones, without clock or I/O; `writer` is the
//! client.

mod announcement;
mod announcer;
mod follow;
mod queue;
mod rate;
mod state;
mod states;
mod summaries;
mod writer;

pub use announcement::{Announcement, Change, Earlier, Outcome, Regarding};
pub use announcer::{Announcer, Surroundings};
pub use follow::follow_events;
