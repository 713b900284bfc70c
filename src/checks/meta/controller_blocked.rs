//! IG904: another Ingress stops the controller. The review reports it.

use crate::checks::{Applies, Check, Release};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

/// The check that a review reports if the controller loads no change because of another Ingress.
pub static CONTROLLER_BLOCKED: Check = Check {
    code: "IG904",
    name: "controller-blocked",
    summary: "the controller loads no change because of another Ingress",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("controller_blocked.md"),
    run: |_, _| {},
};
