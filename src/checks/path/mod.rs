//! IG3xx: does the location ever match?

mod path_control_character;
mod path_exact_root_only;
mod rewrite_capture_missing;

pub(super) use path_control_character::PATH_CONTROL_CHARACTER;
pub(super) use path_exact_root_only::PATH_EXACT_ROOT_ONLY;
pub(super) use rewrite_capture_missing::REWRITE_CAPTURE_MISSING;
