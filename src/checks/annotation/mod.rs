//! IG6xx: annotations that controllers ignore, refuse or misread.

mod annotation_breaks_reload;
mod annotation_for_other_controller;
mod annotation_lost_on_controller;
mod annotation_misplaced;
mod annotation_reference_missing;
mod annotation_removed;
mod annotation_unknown;
mod annotation_value_invalid;
mod auth_silently_open;
mod auth_url_cannot_answer;
mod canary_crashes_controller;
mod canary_never_chosen;
mod canary_steals_upstream;
mod canary_without_main;
mod cors_origin_without_scheme;
mod exploitable_on_this_version;
mod snippet_refused;
mod sticky_cookie_on_regex;

pub(super) use annotation_breaks_reload::ANNOTATION_BREAKS_RELOAD;
pub(super) use annotation_for_other_controller::ANNOTATION_FOR_OTHER_CONTROLLER;
pub(super) use annotation_lost_on_controller::ANNOTATION_LOST_ON_CONTROLLER;
pub(super) use annotation_misplaced::ANNOTATION_MISPLACED;
pub(super) use annotation_reference_missing::ANNOTATION_REFERENCE_MISSING;
pub(super) use annotation_removed::ANNOTATION_REMOVED;
pub(super) use annotation_unknown::ANNOTATION_UNKNOWN;
pub(super) use annotation_value_invalid::ANNOTATION_VALUE_INVALID;
pub(super) use auth_silently_open::AUTH_SILENTLY_OPEN;
pub(super) use auth_url_cannot_answer::AUTH_URL_CANNOT_ANSWER;
pub(super) use canary_crashes_controller::CANARY_CRASHES_CONTROLLER;
pub(super) use canary_never_chosen::CANARY_NEVER_CHOSEN;
pub(super) use canary_steals_upstream::CANARY_STEALS_UPSTREAM;
pub(crate) use canary_without_main::CANARY_WITHOUT_MAIN;
pub(super) use cors_origin_without_scheme::CORS_ORIGIN_WITHOUT_SCHEME;
pub(super) use exploitable_on_this_version::EXPLOITABLE_ON_THIS_VERSION;
pub(super) use snippet_refused::SNIPPET_REFUSED;
pub(super) use sticky_cookie_on_regex::STICKY_COOKIE_ON_REGEX;

use super::findings::WARN;
use super::{Context, effects};
use crate::finding::{Level, Levels};
use crate::routing::annotations::{Annotation, Effect};

/// Returns the highest levels of a finding on an effect; `None`: it changes no answer. Mostly a canary has no location, and the
/// controller ignores most of its annotations (section 7.1). It reads those that answer 403 on the whole host (section 5.7).
fn highest(cx: &Context<'_>, row: &Annotation, effect: Effect) -> Option<Levels> {
    const READ: [&str; 5] = ["affinity", "canary", "load-balance", "session-cookie-", "upstream-hash-by"];
    let is_read = || (effect == Effect::Ignored) && READ.iter().any(|start| row.name.starts_with(start));
    if !cx.nginx().is_canary() || matches!(effect, Effect::NotLoaded | Effect::Forbidden) || is_read() {
        return Some(Levels::both(Level::Deny));
    }
    cx.has_own_location().then_some(WARN)
}

/// The default level of a finding on an Ingress that is loaded all the same.
const LOADED: Levels = Levels::new(Level::Warn, Level::Deny);

/// Precedes an effect that depends on a version that is not known: controllers validate by default since 1.12 (section 7.2).
const SINCE_VALIDATION: &str = "from version 1.12 on, ";

/// Returns what an effect of the annotation table does to requests (section 7.0).
const fn effect_on_requests(effect: Effect) -> &'static str {
    match effect {
        Effect::NotLoaded => effects::NOT_LOADED,
        Effect::Unavailable => effects::UNAVAILABLE,
        Effect::Forbidden => effects::HOST_FORBIDDEN,
        Effect::Ignored => effects::DEFAULT_APPLIES,
        Effect::Open => effects::UNAUTHENTICATED,
    }
}
