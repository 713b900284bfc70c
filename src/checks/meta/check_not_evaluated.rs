//! IG902: a check could not be evaluated. Reported by the engine where a check asks for what nobody knows, or time runs out.

use crate::checks::{Applies, Check};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

/// Reported by the engine where a check asks for what nobody knows, or time runs out.
pub static CHECK_NOT_EVALUATED: Check = Check {
    code: "IG902",
    name: "check-not-evaluated",
    summary: "a check could not be evaluated",
    levels: Levels::both(Level::Warn),
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("check_not_evaluated.md"),
    run: |_, _| {},
};
