//! IG804: an IngressClass that Ingresses name is deleted. A review of that write reports it.

use crate::checks::{Applies, Check, Release};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

/// The check that a review of another object reports, with the Ingresses that lose by the write.
pub static CLASS_IN_USE: Check = Check {
    code: "IG804",
    name: "class-in-use",
    summary: "an IngressClass that Ingresses name is deleted",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("class_in_use.md"),
    run: |_, _| {},
};
