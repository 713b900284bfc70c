//! What a problem does to requests, in words. Each effect is worded here once, so that two checks never describe one effect
//! differently.

use crate::finding::Quoted;
use crate::routing::{ControllerFamily, Dialect};

/// A location without a usable backend, on ingress-nginx (section 0).
pub(crate) const UNAVAILABLE: &str = "requests return 503";
/// No location takes the request, or no controller handles the Ingress.
pub(crate) const NOT_FOUND: &str = "requests return 404";
/// nginx rejects the generated configuration, and the controller keeps the last good one (section 2.8).
pub(crate) const RELOAD_FAILS: &str =
    "nginx cannot reload: no Ingress change takes effect in the whole cluster until this is fixed";
/// As [`RELOAD_FAILS`], for messages that have no room for more.
pub(crate) const RELOAD_FAILS_SHORT: &str = "nginx cannot reload, no Ingress change takes effect";
/// HTTPS without a usable certificate, on ingress-nginx (section 5.2).
pub(crate) const DEFAULT_CERTIFICATE: &str = "clients get the default (self-signed) certificate";
/// The controller ignores the value or the whole annotation.
pub(crate) const NO_EFFECT: &str = "it has no effect";

/// Describes a rewrite, as the end of `/api is …`. nginx rejects an empty path (section 3.2).
pub(crate) fn rewritten_to(path: &str) -> String {
    if path.is_empty() {
        "rewritten to an empty path, nginx returns 500".to_owned()
    } else {
        format!("rewritten to {}", Quoted(path))
    }
}

/// What requests get from a backend that does not exist. On ingress-nginx a location without endpoints returns 503 (section 0);
/// other controllers differ.
pub(crate) const fn without_backend(dialect: &Dialect) -> &'static str {
    match dialect.family {
        ControllerFamily::Nginx => UNAVAILABLE,
        ControllerFamily::Traefik | ControllerFamily::Neutral => "requests fail",
    }
}

/// What clients get over HTTPS from a host without a usable certificate (section 5.2).
pub(crate) const fn without_certificate(dialect: &Dialect) -> &'static str {
    match dialect.family {
        ControllerFamily::Nginx if dialect.default_certificate => "clients get the controller's default certificate",
        ControllerFamily::Nginx => DEFAULT_CERTIFICATE,
        ControllerFamily::Traefik | ControllerFamily::Neutral => "clients get a certificate warning",
    }
}
