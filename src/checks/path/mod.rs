//! IG3xx: does the location ever match?

mod path_control_character;
mod path_exact_root_only;
mod rewrite_capture_missing;
mod rewrite_value_ignored;
mod rewrite_variable_unknown;

pub(super) use path_control_character::PATH_CONTROL_CHARACTER;
pub(super) use path_exact_root_only::PATH_EXACT_ROOT_ONLY;
pub(super) use rewrite_capture_missing::REWRITE_CAPTURE_MISSING;
pub(super) use rewrite_value_ignored::REWRITE_VALUE_IGNORED;
pub(super) use rewrite_variable_unknown::REWRITE_VARIABLE_UNKNOWN;
