//! IG901: a check failed with an internal error. The engine reports it if a check panics.

use crate::checks::{Applies, Check, Release};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

/// The check that the engine reports if another check panics.
pub static CHECK_FAILED: Check = Check {
    code: "IG901",
    name: "check-failed",
    summary: "a check failed with an internal error",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("check_failed.md"),
    run: |_, _| {},
};
