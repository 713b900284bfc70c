//! Tests that are skipped because a program is missing, or does not work here. `make test` prints the list at its end.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

/// Records that something is not tested because a program is missing. Panics if the environment variable `CI` is set.
pub(crate) fn skipped(what: &str) {
    record(what);
    assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{what}");
}

/// Records that something cannot be tested on this machine, whatever is installed.
#[allow(dead_code, reason = "not every test binary has such a test")]
pub(crate) fn impossible(what: &str) {
    record(what);
}

fn record(what: &str) {
    // `eprintln!` would be captured by the test harness while the test passes.
    let _ = writeln!(io::stderr(), "\nskipped: {what}\n");
    let list = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped");
    let file = OpenOptions::new().create(true).append(true).open(list);
    let _ = file.and_then(|mut file| writeln!(file, "{what}"));
}
