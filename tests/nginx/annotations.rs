//! How the controller reads the annotations of an Ingress.

use crate::values::{Effect, effect};
use crate::world::Ingress;

/// The annotations of an Ingress that affect a location.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an annotation, or its effect")]
pub(crate) struct Annotations {
    pub(crate) target: String,
    pub(crate) use_regex: bool,
    pub(crate) app_root: Option<String>,
    pub(crate) redirect: Option<(u16, String)>,
    /// `relative-redirects`
    pub(crate) is_relative: bool,
    /// `from-to-www-redirect`
    pub(crate) redirects_www: bool,
    /// Its locations answer 503.
    pub(crate) is_denied: bool,
    /// Its hosts answer 403.
    pub(crate) is_forbidden: bool,
    /// The Service of `default-backend` has endpoints.
    pub(crate) has_fallback: bool,
    /// `custom-http-errors`
    pub(crate) errors: Vec<u16>,
    /// The other annotations whose values are written.
    pub(crate) written: Vec<(&'static str, String)>,
}

/// Go's `strconv.ParseBool`.
fn is_true(ingress: &Ingress, name: &str) -> bool {
    matches!(ingress.annotation(name), Some("1" | "t" | "T" | "TRUE" | "true" | "True"))
}

pub(crate) fn is_canary(ingress: &Ingress) -> bool {
    is_true(ingress, "canary")
}

/// Whether every parser of the controller accepts the Ingress.
pub(crate) fn is_loaded(ingress: &Ingress) -> bool {
    let is_bool = |name: &str| {
        let value = ingress.annotation(name).unwrap_or_default();
        is_true(ingress, name) || ["", "0", "f", "F", "FALSE", "false", "False"].contains(&value)
    };
    let set = |name: &str| ingress.annotation(name).filter(|value| !value.is_empty());
    let is_int = |name: &str| set(name).is_none_or(|value| value.parse::<i64>().is_ok());
    let is_url = |name: &str| set(name).is_none_or(|value| effect(name, value) != Some(Effect::NotLoaded));
    // `redirect.Parse`
    let redirects = is_bool("from-to-www-redirect")
        && is_bool("relative-redirects")
        && is_url("temporal-redirect")
        && if set("temporal-redirect").is_some() {
            is_int("temporal-redirect-code")
        } else {
            is_url("permanent-redirect") && is_int("permanent-redirect-code")
        };
    let of_redirects = ["temporal-redirect", "permanent-redirect", "from-to-www-redirect"];
    let others = ingress.annotations.iter().filter(|(name, _)| !of_redirects.contains(name));
    redirects && others.into_iter().all(|(name, value)| effect(name, value) != Some(Effect::NotLoaded))
}

/// Section 3.3: a value with other characters is dropped.
fn relative(ingress: &Ingress, name: &str) -> Option<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/:$".contains(c);
    ingress.annotation(name).filter(|value| value.chars().all(is_allowed)).map(str::to_owned)
}

impl Annotations {
    pub(crate) fn of(ingress: &Ingress) -> Self {
        let code = |name: &str, highest: u16, otherwise: u16| {
            let code = ingress.annotation(name).and_then(|code| code.parse().ok());
            code.filter(|code| (300..=highest).contains(code)).unwrap_or(otherwise)
        };
        let set = |name: &str| ingress.annotation(name).filter(|value| !value.is_empty());
        // A value of `temporal-redirect` with another scheme ends in an error, whatever else is set.
        let (redirect, is_read) = match (set("temporal-redirect"), set("permanent-redirect")) {
            (Some(url), _) if url.starts_with("http") => {
                (Some((code("temporal-redirect-code", 307, 302), url.to_owned())), true)
            }
            (Some(_), _) => (None, false),
            (None, permanent) => {
                (permanent.map(|url| (code("permanent-redirect-code", 308, 301), url.to_owned())), true)
            }
        };
        let effects = ingress.annotations.iter().filter_map(|(name, value)| effect(name, value));
        let has = |wanted: Effect| effects.clone().any(|effect| effect == wanted);
        // An error of one value of the external authentication ends its parser.
        let of_auth = ["auth-method", "auth-response-headers", "auth-cache-duration", "auth-proxy-set-headers"];
        let is_error = |(name, value): &(&str, String)| {
            of_auth.contains(name) && set("auth-url").is_some() && effect(name, value) == Some(Effect::Denied)
        };
        let drops_auth = has(Effect::Open) || ingress.annotations.iter().any(is_error);
        let written = ingress.annotations.iter().filter(|(name, value)| {
            effect(name, value) == Some(Effect::Written) && !(drops_auth && name.starts_with("auth-"))
        });
        let is_written = |value: &&str| effect("custom-http-errors", value) == Some(Effect::Written);
        let errors = set("custom-http-errors").filter(is_written).unwrap_or_default();
        Self {
            target: relative(ingress, "rewrite-target").unwrap_or_default(),
            use_regex: is_true(ingress, "use-regex"),
            app_root: relative(ingress, "app-root").filter(|root| root.starts_with('/')),
            redirect,
            is_relative: is_read && is_true(ingress, "relative-redirects"),
            redirects_www: is_read && is_true(ingress, "from-to-www-redirect"),
            is_denied: has(Effect::Denied) || has(Effect::Forbidden),
            is_forbidden: has(Effect::Forbidden),
            has_fallback: set("default-backend") == Some("errors"),
            errors: errors.split(',').filter_map(|code| code.trim().parse().ok()).collect(),
            written: written.map(|(name, value)| (*name, value.clone())).collect(),
        }
    }

    /// Those of the `/` of a default backend without rules.
    pub(crate) fn without_rewrite_and_redirect(self) -> Self {
        Self {
            target: String::new(),
            use_regex: false,
            app_root: None,
            redirect: None,
            is_relative: false,
            redirects_www: false,
            ..self
        }
    }

    /// Returns the value of an annotation that the controller writes.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.written.iter().find(|(of, _)| *of == name).map(|(_, value)| value.as_str())
    }
}
