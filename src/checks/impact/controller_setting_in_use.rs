//! IG805: a change of the controller's ConfigMap refuses what stored Ingresses contain. A review of that write reports it.

use crate::checks::{Applies, Check, Release};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

/// The check that a review of another object reports, with the Ingresses that lose by the write.
pub static CONTROLLER_SETTING_IN_USE: Check = Check {
    code: "IG805",
    name: "controller-setting-in-use",
    summary: "a change of the controller's ConfigMap refuses what stored Ingresses contain",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("controller_setting_in_use.md"),
    run: |_, _| {},
};
