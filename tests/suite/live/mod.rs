//! A live cluster: watches, lists and confirmation against an API server of our own, which can fail in every way that a real one
//! does, at the moment that the test wants.

pub(crate) mod api;
pub(crate) mod confirm;
mod controllers;
pub(crate) mod list;
mod optional;
mod publication;
mod reads;
mod rechecks;
mod reload_blocks;
mod rights;
mod secrets;
mod settings;
mod stored_events;
mod watch;
