//! IG6xx: what was silently ignored?

mod annotation_for_other_controller;

pub(super) use annotation_for_other_controller::ANNOTATION_FOR_OTHER_CONTROLLER;
