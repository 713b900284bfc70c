//! IG901: a check failed while it looked at this Ingress. Reported by the engine where a check panics.

use crate::checks::{Applies, Check};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

/// Reported by the engine where a check panics.
pub static CHECK_FAILED: Check = Check {
    code: "IG901",
    name: "check-failed",
    summary: "a check failed while it looked at this Ingress",
    levels: Levels::both(Level::Warn),
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("check_failed.md"),
    run: |_, _| {},
};
