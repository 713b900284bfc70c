//! The effects of problems on requests, in words. Each effect is worded here once, so that two checks never describe one effect
//! differently.

use crate::finding::Quoted;
use crate::routing::{ControllerFamily, Dialect};

/// A location without a usable backend, on ingress-nginx (section 0).
pub(crate) const UNAVAILABLE: &str = "requests return 503";
/// No location takes the request, or no controller handles the Ingress.
pub(crate) const NOT_FOUND: &str = "requests return 404";
/// As [`NOT_FOUND`], for the paths of a host that no location takes.
pub(crate) const UNMATCHED_NOT_FOUND: &str = "unmatched paths return 404";
/// As [`UNAVAILABLE`], with 503 in `custom-http-errors` (section 7.2).
pub(crate) const INTERCEPTED: &str = "requests return 404 from the default backend";
/// ingress-nginx connects to port 0 of an external name (section 4.4).
pub(crate) const PORT_ZERO: &str = "requests return 502";
/// ingress-nginx connects to the address of a Service that does not listen on this port (section 4.5).
pub(crate) const UNREACHABLE: &str = "requests return 502 or 504";
/// ingress-nginx puts the path into the server `_` (section 2.3).
pub(crate) const ON_EVERY_HOST: &str = "every host without a rule serves this path";
/// As [`ON_EVERY_HOST`], with an annotation for which the location returns 503 (section 7.0).
pub(crate) const UNAVAILABLE_ON_EVERY_HOST: &str = "requests return 503 on every host without a rule";
/// A canary's Service and port are already an upstream of a main Ingress, so the canary is an ordinary location (section 7.1).
pub(crate) const CANARY_ALONE: &str = "the canary receives all requests for it";
/// A backend that does not work, where the status depends on the controller.
pub(crate) const FAILS: &str = "requests fail";
/// A canary has no usable backend, no main Ingress, or nothing selects it: the main Ingress answers (section 7.1).
pub(crate) const CANARY_UNUSED: &str = "the canary receives no requests";
/// nginx rejects the generated configuration, and the controller keeps the last good one (section 2.8).
pub(crate) const RELOAD_FAILS: &str =
    "nginx cannot reload: no Ingress change takes effect in the whole cluster until this is fixed";
/// The short form of [`RELOAD_FAILS`], for messages that would exceed 256 characters with the long one.
pub(crate) const RELOAD_FAILS_SHORT: &str = "nginx cannot reload, no Ingress change takes effect";
/// Returns [`RELOAD_FAILS_SHORT`], or the effect of what is in no configuration until this annotation has no fault (sections 5.7 and
/// 7.0).
pub(crate) fn reload_fails(until: Option<&str>) -> String {
    until.map_or_else(
        || RELOAD_FAILS_SHORT.to_owned(),
        |annotation| format!("nginx rejects it once {annotation} is valid"),
    )
}
/// The controller panics at each synchronisation (section 6.4).
pub(crate) const CONTROLLER_CRASHES: &str =
    "the controller crashes at each start, and no Ingress change takes effect until this is fixed";
/// HTTPS without a usable certificate, on ingress-nginx (section 5.2).
pub(crate) const DEFAULT_CERTIFICATE: &str = "clients get the default (self-signed) certificate";
/// The served certificate is expired, not valid yet or incomplete.
pub(crate) const CERTIFICATE_REJECTED: &str = "clients reject the certificate";
/// The controller ignores the value or the whole annotation.
pub(crate) const NO_EFFECT: &str = "it has no effect";
/// No controller handles the Ingress.
pub(crate) const UNHANDLED: &str = "no controller handles this Ingress, requests return 404";
/// ingress-nginx refuses an annotation and does not load the Ingress: a new one is absent, a changed one keeps its previous
/// version (section 7.0).
pub(crate) const NOT_LOADED: &str = "the Ingress is not loaded (404, or its previous version)";
/// ingress-nginx returns 403 for the whole host, because it cannot verify client certificates (section 5.7).
pub(crate) const HOST_FORBIDDEN: &str = "all requests for the host return 403";
/// ingress-nginx drops one annotation with an invalid value (section 7.0).
pub(crate) const DEFAULT_APPLIES: &str = "the annotation is ignored, the default applies";
/// ingress-nginx drops the authentication and serves the location (section 7.2).
pub(crate) const UNAUTHENTICATED: &str = "requests are not authenticated";
/// As [`UNAUTHENTICATED`], where the ConfigMap of the controller has external authentication for every location (section 7.4).
pub(crate) const GLOBALLY_AUTHENTICATED: &str = "only global-auth-url authenticates requests";
/// Nothing selects requests of a main Ingress for a canary (section 7.1).
pub(crate) const CANARY_UNSELECTED: &str = "the canary takes no requests from a main Ingress";
/// ingress-guard ignores a waiver.
pub(crate) const NOTHING_WAIVED: &str = "nothing is waived";

/// Describes a rewrite, as the end of `/api is …`. nginx rejects an empty path (section 3.2).
pub(crate) fn rewritten_to(path: &str) -> String {
    if path.is_empty() {
        "rewritten to \"\", nginx returns 500".to_owned()
    } else {
        format!("rewritten to {}", Quoted(path))
    }
}

/// Returns the effect of a backend that does not exist. On ingress-nginx a location without endpoints returns 503 (section 0);
/// other controllers differ.
pub(crate) const fn without_backend(dialect: &Dialect) -> &'static str {
    match dialect.family {
        ControllerFamily::Nginx => UNAVAILABLE,
        ControllerFamily::Traefik | ControllerFamily::Neutral => FAILS,
    }
}

/// Returns the effect on HTTPS clients of a host without a usable certificate (section 5.2).
pub(crate) const fn without_certificate(dialect: &Dialect) -> &'static str {
    match dialect.family {
        ControllerFamily::Nginx if dialect.default_certificate => {
            "clients get the default certificate of the controller"
        }
        ControllerFamily::Nginx => DEFAULT_CERTIFICATE,
        ControllerFamily::Traefik | ControllerFamily::Neutral => "clients get a certificate warning",
    }
}

/// Returns the effect of a fallback Service that is an ExternalName, in place of a Service that is none (section 4.6).
pub(crate) fn with_external_fallback(service: &str) -> String {
    format!("requests return 502 (default-backend {service:?} is an ExternalName)")
}

/// Returns the effect of the fallback Service of the annotation `default-backend` (section 4.6).
pub(crate) fn with_fallback(service: &str) -> String {
    format!("requests return 503 unless Service {service:?} answers")
}
