//! Records of reviews with the state of the cluster that they rest on, and their repetition under the same rules or others.
//!
//! A segment is a file of JSON lines that is complete in itself: a header, then changes of configuration and cluster, each before the
//! first review that rests on it, and the reviews.

mod format;
mod redaction;
mod repeat;
mod segment;

pub use repeat::{RepeatError, Repeated, repeat};
pub use segment::{Writer, copy_lines, segments};
