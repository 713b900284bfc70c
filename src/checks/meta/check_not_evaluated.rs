//! IG902: a check could not be evaluated. The engine reports it if required objects are unavailable or a limit is exceeded.

use crate::checks::{Applies, Check, Release};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

/// The check that the engine reports if objects that another check requires are unavailable, or if a limit is exceeded.
pub static CHECK_NOT_EVALUATED: Check = Check {
    code: "IG902",
    name: "check-not-evaluated",
    summary: "some checks could not be evaluated",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("check_not_evaluated.md"),
    run: |_, _| {},
};
