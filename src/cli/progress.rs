//! The progress of a command, shown on a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time before progress is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// A progress line on stderr, if that is a terminal. Several threads report to it.
pub(super) struct Progress {
    of: usize,
    verb: &'static str,
    what: &'static str,
    state: Mutex<State>,
}

struct State {
    done: usize,
    next: Option<Instant>,
    is_shown: bool,
}

impl Progress {
    /// `what` is done: `analyzed 3 of 8 Ingresses`.
    pub(super) fn begin(of: usize, (verb, what): (&'static str, &'static str)) -> Self {
        let next = std::io::stderr().is_terminal().then(|| Instant::now() + PATIENCE);
        Self { of, verb, what, state: Mutex::new(State { done: 0, next, is_shown: false }) }
    }

    pub(super) fn step(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        let now = Instant::now();
        if state.next.is_some_and(|next| now >= next) {
            state.next = Some(now + PATIENCE / 10);
            state.is_shown = true;
            let _ = write!(std::io::stderr(), "\r{} {} of {} {}", self.verb, state.done, self.of, self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.state.get_mut().is_ok_and(|state| state.is_shown) {
            // Back to the start of the line, and erase it (ECMA-48 EL).
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
