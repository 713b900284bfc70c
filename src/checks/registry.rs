//! The registry of all checks.

use std::collections::BTreeSet;

use super::{
    CHECK_FAILED, CHECK_NOT_EVALUATED, CONTROLLER_BLOCKED, Check, WAIVER_INVALID, annotation, backend, class,
    collision, impact, manifest, path, tls,
};
use crate::finding::{Level, ranges};
use crate::model::Kinds;

/// All checks, ordered by code.
pub static ALL: &[&Check] = &[
    &class::CLASS_NOT_FOUND,
    &class::CLASS_MISSING,
    &class::CLASS_UNSERVED,
    &class::CLASS_ANNOTATION_LEGACY,
    &class::CLASS_ANNOTATION_UNMATCHED,
    &class::NAMESPACE_UNWATCHED,
    &class::CLASS_NOT_ALLOWED,
    &class::CLASS_FIELD_ON_GCE,
    &backend::SERVICE_NOT_FOUND,
    &backend::SERVICE_PORT_NOT_FOUND,
    &backend::SERVICE_TARGET_PORT_USED,
    &backend::SERVICE_WITHOUT_READY_ENDPOINTS,
    &backend::SERVICE_PORT_NOT_TCP,
    &backend::EXTERNAL_NAME_UNUSABLE,
    &backend::RESOURCE_BACKEND_UNSERVED,
    &backend::RULE_WITHOUT_PATHS,
    &backend::DEFAULT_BACKEND_IGNORED,
    &backend::ENDPOINT_SLICE_UNSEEN,
    &backend::PODS_WITHOUT_READINESS_PROBE,
    &backend::BACKEND_EXPOSES_ADMISSION_WEBHOOK,
    &backend::BACKEND_PROTOCOL_MISSING,
    &backend::DEFAULT_BACKEND_WITHOUT_HOST,
    &backend::SERVICE_WITHOUT_NODE_PORT,
    &path::PATH_REGEX_LITERAL,
    &path::PATH_REGEX_INVALID,
    &path::PATH_TYPE_STRICT,
    &path::PATH_EXACT_ROOT_UNREACHABLE,
    &path::PATH_EXACT_ROOT_ONLY,
    &path::PATH_SHADOWED,
    &path::PATH_TRAILING_SLASH,
    &path::REGEX_SPILLOVER,
    &path::REGEX_HOST_INHERITED,
    &path::REWRITE_CAPTURE_MISSING,
    &path::REWRITE_DROPS_SUBPATH,
    &path::REWRITE_VARIABLE_UNKNOWN,
    &path::REWRITE_VALUE_IGNORED,
    &path::LOCATION_DUPLICATED,
    &path::PATH_CONTROL_CHARACTER,
    &path::REGEX_OVERREACHING,
    &path::REGEX_BACKTRACKING,
    &path::REWRITE_SLASH_GROUP,
    &path::REGEX_ROOT_ONLY,
    &path::EXACT_WIDENED,
    &tls::TLS_SECRET_NOT_FOUND,
    &tls::TLS_SECRET_UNUSABLE,
    &tls::TLS_CERTIFICATE_HOST_MISMATCH,
    &tls::TLS_CERTIFICATE_EXPIRED,
    &tls::TLS_CERTIFICATE_EXPIRING,
    &tls::TLS_RULE_HOST_UNCOVERED,
    &tls::TLS_HOST_UNROUTED,
    &tls::TLS_ON_HOSTLESS_RULE,
    &tls::TLS_HOST_OWNED_ELSEWHERE,
    &tls::TLS_SECRET_WRONG_TYPE,
    &tls::TLS_REQUIRED,
    &tls::TLS_SECRET_SHARED,
    &tls::PASSTHROUGH_INEFFECTIVE,
    &tls::CERTIFICATE_WITHOUT_SAN,
    &tls::CERTIFICATE_CHAIN_INVALID,
    &tls::ISSUER_WITHOUT_SECRET_NAME,
    &collision::HOST_PATH_DUPLICATED,
    &collision::HOST_NOT_OWNED,
    &collision::WILDCARD_GAP,
    &collision::SERVER_ALIAS_DROPPED,
    &collision::CATCH_ALL_HOST,
    &collision::HOST_SERVED_BY_ONE_INGRESS,
    &annotation::ANNOTATION_UNKNOWN,
    &annotation::ANNOTATION_FOR_OTHER_CONTROLLER,
    &annotation::ANNOTATION_VALUE_INVALID,
    &annotation::ANNOTATION_REFERENCE_MISSING,
    &annotation::CANARY_WITHOUT_MAIN,
    &annotation::CANARY_NEVER_CHOSEN,
    &annotation::CANARY_STEALS_UPSTREAM,
    &annotation::AUTH_SILENTLY_OPEN,
    &annotation::SNIPPET_REFUSED,
    &annotation::ANNOTATION_REMOVED,
    &annotation::ANNOTATION_BREAKS_RELOAD,
    &annotation::CANARY_CRASHES_CONTROLLER,
    &annotation::EXPLOITABLE_ON_THIS_VERSION,
    &annotation::ANNOTATION_LOST_ON_CONTROLLER,
    &annotation::AUTH_URL_CANNOT_ANSWER,
    &annotation::STICKY_COOKIE_ON_REGEX,
    &annotation::CORS_ORIGIN_WITHOUT_SCHEME,
    &annotation::ANNOTATION_MISPLACED,
    &manifest::REFUSED_BY_API_SERVER,
    &manifest::FIELD_UNKNOWN,
    &manifest::API_VERSION_NOT_SERVED,
    &impact::SERVICE_IN_USE,
    &impact::SERVICE_PORT_IN_USE,
    &impact::CLASS_IN_USE,
    &impact::CONTROLLER_SETTING_IN_USE,
    &CHECK_FAILED,
    &CHECK_NOT_EVALUATED,
    &WAIVER_INVALID,
    &CONTROLLER_BLOCKED,
];

/// Returns the check with this code (in upper or lower case) or this name.
#[must_use]
pub fn find(code_or_name: &str) -> Option<&'static Check> {
    // Each finding asks by its code.
    if let Ok(place) = ALL.binary_search_by(|check| check.code.cmp(code_or_name)) {
        return ALL.get(place).copied();
    }
    let same = |check: &&&Check| check.code.eq_ignore_ascii_case(code_or_name) || check.name == code_or_name;
    ALL.iter().find(same).copied()
}

/// The kinds that the denying checks of profile `guard` need. A new process is not ready without the permissions to read them.
#[must_use]
pub fn vital_kinds() -> Kinds {
    let denying = ALL.iter().filter(|check| check.levels.guard == Level::Deny);
    denying.fold(Kinds::NONE, |kinds, check| kinds | check.needs).watched()
}

/// Joins codes for a message: `IG201, IG301 to IG304`. A range contains every check between its ends.
#[must_use]
pub fn listed(codes: &BTreeSet<&str>) -> String {
    ranges(&ALL.iter().map(|check| (check.code, codes.contains(check.code))).collect::<Vec<_>>())
}
