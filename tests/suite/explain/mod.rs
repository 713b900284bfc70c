//! `explain`: its page is its test, it agrees with the location model everywhere, and whatever it is asked it says in words
//! what it cannot do.

mod agreement;
mod canary;
mod check;
mod command;
pub(crate) mod findings;
mod forms;
mod other_controllers;
mod page;
pub(crate) mod random;
mod reload;
