//! IG6xx: what was silently ignored?

mod annotation_for_other_controller;
mod canary_steals_upstream;
mod canary_without_main;

pub(super) use annotation_for_other_controller::ANNOTATION_FOR_OTHER_CONTROLLER;
pub(super) use canary_steals_upstream::CANARY_STEALS_UPSTREAM;
pub(super) use canary_without_main::CANARY_WITHOUT_MAIN;
