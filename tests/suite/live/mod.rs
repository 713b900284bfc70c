//! A live cluster: watches and confirmation against an API server of our own, which can fail in every way that a real one
//! does, at the moment that the test wants.

mod api;
mod confirm;
mod optional;
mod secrets;
mod settings;
mod watch;
