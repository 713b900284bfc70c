//! The version, the commit and the target of this build.

use std::sync::OnceLock;

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, from the variable `INGRESS_GUARD_COMMIT` of the build, which `deploy/dist.sh` sets.
pub const COMMIT: &str = match option_env!("INGRESS_GUARD_COMMIT") {
    Some(commit) if !commit.is_empty() => commit,
    _ => "unknown",
};

/// The Rust target.
pub const TARGET: &str = env!("INGRESS_GUARD_TARGET");

/// Returns all of them, as `--version` prints them.
#[must_use]
pub fn in_full() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{VERSION} (commit {COMMIT}, {TARGET})"))
}
