//! IG3xx: paths that do not match, or match more than intended.

mod exact_widened;
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
mod regex_root_only;
mod regex_spillover;
mod rewrite_advice;
mod rewrite_capture_missing;
mod rewrite_drops_subpath;
mod rewrite_slash_group;
mod rewrite_value_ignored;
mod rewrite_variable_unknown;

pub(super) use exact_widened::EXACT_WIDENED;
pub(super) use location_duplicated::LOCATION_DUPLICATED;
pub(super) use path_control_character::PATH_CONTROL_CHARACTER;
pub(super) use path_exact_root_only::PATH_EXACT_ROOT_ONLY;
pub(super) use path_exact_root_unreachable::PATH_EXACT_ROOT_UNREACHABLE;
pub(super) use path_regex_invalid::PATH_REGEX_INVALID;
pub(crate) use path_regex_literal::PATH_REGEX_LITERAL;
pub(super) use path_shadowed::PATH_SHADOWED;
pub(super) use path_trailing_slash::PATH_TRAILING_SLASH;
pub(super) use path_type_strict::PATH_TYPE_STRICT;
pub(super) use regex_backtracking::REGEX_BACKTRACKING;
pub(crate) use regex_host_inherited::REGEX_HOST_INHERITED;
pub(super) use regex_overreaching::REGEX_OVERREACHING;
pub(crate) use regex_root_only::REGEX_ROOT_ONLY;
pub(super) use regex_spillover::REGEX_SPILLOVER;
pub(super) use rewrite_capture_missing::REWRITE_CAPTURE_MISSING;
pub(super) use rewrite_drops_subpath::REWRITE_DROPS_SUBPATH;
pub(super) use rewrite_slash_group::REWRITE_SLASH_GROUP;
pub(super) use rewrite_value_ignored::REWRITE_VALUE_IGNORED;
pub(super) use rewrite_variable_unknown::REWRITE_VARIABLE_UNKNOWN;

use super::Context;
use crate::model::{FieldPath, NGINX_PREFIX};
use crate::routing::is_plainly_regex;

/// The length in bytes of the longest parameter that nginx reads (`NGX_CONF_BUFFER`). With a longer target nginx cannot
/// reload, so its effect on paths does not matter.
const LONGEST_TARGET: usize = 4096;

/// Returns the `rewrite-target` if it affects requests. A redirect of the whole Ingress precedes it (section 4.7), and
/// ingress-nginx ignores the one of a canary (section 7.1).
fn target<'a>(cx: &Context<'a>) -> Option<&'a str> {
    let is_unused = cx.nginx().redirect().is_some() || cx.nginx().is_canary();
    cx.rewrite_target().filter(|target| !is_unused && target.len() <= LONGEST_TARGET)
}

/// Returns the annotation by which this Ingress enables regex matching.
fn switch_field(cx: &Context<'_>) -> FieldPath {
    let name = if cx.nginx().use_regex() { "use-regex" } else { "rewrite-target" };
    FieldPath::annotation(&format!("{NGINX_PREFIX}{name}"))
}

/// Whether a path is intended as a regex, whichever Ingress enables regex matching.
fn is_regex(path: &str) -> bool {
    is_plainly_regex(path) || path.contains('|')
}
