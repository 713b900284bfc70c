//! IG3xx: does the location ever match?

mod location_duplicated;
mod path_control_character;
mod path_exact_root_only;
mod path_exact_root_unreachable;
mod path_regex_invalid;
mod path_regex_literal;
mod path_shadowed;
mod path_trailing_slash;
mod path_type_strict;
mod regex_backtracking;
mod regex_host_inherited;
mod regex_overreaching;
mod regex_spillover;
mod rewrite_capture_missing;
mod rewrite_drops_subpath;
mod rewrite_value_ignored;
mod rewrite_variable_unknown;

pub(super) use location_duplicated::LOCATION_DUPLICATED;
pub(super) use path_control_character::PATH_CONTROL_CHARACTER;
pub(super) use path_exact_root_only::PATH_EXACT_ROOT_ONLY;
pub(super) use path_exact_root_unreachable::PATH_EXACT_ROOT_UNREACHABLE;
pub(super) use path_regex_invalid::PATH_REGEX_INVALID;
pub(super) use path_regex_literal::PATH_REGEX_LITERAL;
pub(super) use path_shadowed::PATH_SHADOWED;
pub(super) use path_trailing_slash::PATH_TRAILING_SLASH;
pub(super) use path_type_strict::PATH_TYPE_STRICT;
pub(super) use regex_backtracking::REGEX_BACKTRACKING;
pub(super) use regex_host_inherited::REGEX_HOST_INHERITED;
pub(super) use regex_overreaching::REGEX_OVERREACHING;
pub(super) use regex_spillover::REGEX_SPILLOVER;
pub(super) use rewrite_capture_missing::REWRITE_CAPTURE_MISSING;
pub(super) use rewrite_drops_subpath::REWRITE_DROPS_SUBPATH;
pub(super) use rewrite_value_ignored::REWRITE_VALUE_IGNORED;
pub(super) use rewrite_variable_unknown::REWRITE_VARIABLE_UNKNOWN;

use super::Context;
use crate::model::{FieldPath, NGINX_PREFIX};

/// The longest parameter that nginx reads (`NGX_CONF_BUFFER`), in bytes: with a longer target no configuration loads, and
/// what would become of paths is no question.
const LONGEST_TARGET: usize = 4096;

/// The target that this Ingress rewrites to, where it can have a say in what backends are asked for: a redirect goes
/// before it (section 4.7), and a canary's own is not read at all (section 7.1).
fn target<'a>(cx: &Context<'a>) -> Option<&'a str> {
    let is_idle = cx.nginx().redirects_everything() || cx.nginx().is_canary();
    cx.rewrite_target().filter(|target| !is_idle && target.len() <= LONGEST_TARGET)
}

/// What makes this Ingress' hosts match regexes.
fn switch_field(cx: &Context<'_>) -> FieldPath {
    let name = if cx.nginx().use_regex() { "use-regex" } else { "rewrite-target" };
    FieldPath::annotation(&format!("{NGINX_PREFIX}{name}"))
}
