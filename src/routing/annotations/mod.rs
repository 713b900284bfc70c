//! The annotations of an Ingress as ingress-nginx reads them: sections 3, 4 and 7.

mod form;
mod refusal;
mod refused;
mod spec;
mod table;
mod traefik;

pub use form::{Flaw, Form, go_bool};
pub use refusal::Refusal;
pub use refused::{Place, RefusedValue, SharedBuffers};
pub use spec::{Annotation, Effect, Removed, Risk, ValueError, reference};
pub use table::{ALL, find};
pub use traefik::TraefikSupport;

use crate::model::{Annotations, Ingress, Kind, NGINX_PREFIX};
use crate::routing::version::Version;

/// The longest parameter that nginx reads, in bytes (section 2.8, B9).
pub(crate) const LONGEST_PARAMETER: usize = 4093;

/// Returns the Secrets and ConfigMaps of its namespace that an Ingress references in `spec.tls` or annotations.
pub fn referenced_by(ingress: &Ingress) -> impl Iterator<Item = (Kind, &str)> {
    let of_annotations = NginxAnnotations::of(ingress).references(&ingress.meta.key.namespace);
    of_annotations.chain(ingress.tls.iter().filter_map(|entry| Some((Kind::Secret, entry.secret_name.as_deref()?))))
}

/// The annotations of an Ingress as ingress-nginx reads them.
#[derive(Debug, Clone, Copy)]
pub struct NginxAnnotations<'a>(&'a Annotations);

/// A redirect that answers every request (section 4.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnnotatedRedirect<'a> {
    /// The annotation, without its prefix.
    pub annotation: &'static str,
    /// The status.
    pub status: u16,
    /// The value, which need not be a whole URL.
    pub target: &'a str,
}

/// Returns whether a `rewrite-target` makes nginx redirect (section 3.2).
pub(super) fn is_url(target: &str) -> bool {
    ["http://", "https://", "$scheme"].iter().any(|start| target.starts_with(start))
}

impl<'a> NginxAnnotations<'a> {
    /// Returns the annotations of an Ingress.
    #[must_use]
    pub fn of(ingress: &'a Ingress) -> Self {
        Self(&ingress.meta.annotations)
    }

    /// Returns `rewrite-target` if the controller accepts its value; it silently ignores others (section 3.3).
    #[must_use]
    pub fn rewrite_target(self) -> Option<&'a str> {
        self.accepted("rewrite-target")
    }

    /// Returns whether paths are regexes. A value that Go does not parse as a boolean counts as `false` (sections 2.6 and
    /// 3.3).
    #[must_use]
    pub fn use_regex(self) -> bool {
        self.go_bool("use-regex") == Some(true)
    }

    /// Returns whether a redirect answers every request before a backend is chosen: that of an annotation, or a `rewrite-target` that is
    /// a URL (sections 3.2 and 4.7). Those of a canary are ignored (section 7.1).
    #[must_use]
    pub fn redirects_everything(self) -> bool {
        !self.is_canary() && (self.redirect().is_some() || self.rewrite_target().is_some_and(is_url))
    }

    /// Returns whether the controller drops every redirect: `temporal-redirect` is empty or not an http URL (section
    /// 7.2).
    fn drops_redirects(self) -> bool {
        self.0.nginx("temporal-redirect").is_some_and(|url| url.is_empty() || Form::HttpUrl.unread(url).is_some())
    }

    /// Returns the redirect that answers every request: `temporal-redirect` takes precedence over `permanent-redirect`. If
    /// it is empty or not an http or https URL, the controller ignores both (section 7.2).
    #[must_use]
    pub fn redirect(self) -> Option<AnnotatedRedirect<'a>> {
        // Another code is not used.
        let code = |name, default, highest| {
            let code = self.0.nginx(name).and_then(|code| code.parse().ok());
            code.filter(|code| (300..=highest).contains(code)).unwrap_or(default)
        };
        if self.drops_redirects() {
            return None;
        }
        if let Some(target) = self.value("temporal-redirect") {
            let status = code("temporal-redirect-code", 302, 307);
            return Some(AnnotatedRedirect { annotation: "temporal-redirect", status, target });
        }
        let target = self.value("permanent-redirect")?;
        let status = code("permanent-redirect-code", 301, 308);
        Some(AnnotatedRedirect { annotation: "permanent-redirect", status, target })
    }

    /// Returns whether the targets of redirects stay relative: nginx puts scheme and host before the others (section 7.2).
    #[must_use]
    pub fn keeps_redirects_relative(self) -> bool {
        self.go_bool("relative-redirects") == Some(true)
    }

    /// Returns the absolute path to which `/` of the host redirects (section 3.4).
    #[must_use]
    pub fn app_root(self) -> Option<&'a str> {
        self.accepted("app-root").filter(|value| value.starts_with('/'))
    }

    /// Returns whether the Ingress is a canary: only its canary annotations are read, and the main Ingress serves requests
    /// where the canary cannot (section 7.1).
    #[must_use]
    pub fn is_canary(self) -> bool {
        self.go_bool("canary") == Some(true)
    }

    /// Returns whether a snippet may answer before a backend is chosen, if the controller allows snippets.
    #[must_use]
    pub fn may_answer_by_snippet(self) -> bool {
        ["configuration-snippet", "server-snippet"].into_iter().filter_map(|name| self.0.nginx(name)).any(may_answer)
    }

    /// Returns the name of the fallback Service, which replaces a Service without endpoints (section 4.6). No Service has a name of
    /// more than 253 bytes, and each path asks for it.
    #[must_use]
    pub fn default_backend(self) -> Option<&'a str> {
        self.value("default-backend").filter(|name| name.len() <= 253)
    }

    /// Returns whether `custom-http-errors` has this status: the default backend answers then (section 7.2); `None`: not set.
    #[must_use]
    pub fn intercepts(self, status: u16) -> Option<bool> {
        let is_read =
            |value: &str| find("custom-http-errors").is_some_and(|row| row.value_error(value, None).is_none());
        let codes = self.value("custom-http-errors").filter(|value| is_read(value))?;
        Some(codes.split(',').any(|code| code.trim().parse() == Ok(status)))
    }

    /// Returns whether TLS of the host is passed to the backend, if the controller supports it (section 5.6).
    #[must_use]
    pub fn passes_tls_through(self) -> bool {
        self.go_bool("ssl-passthrough") == Some(true)
    }

    /// Returns whether a cookie keeps clients at one endpoint.
    #[must_use]
    pub fn is_sticky(self) -> bool {
        self.accepted("affinity").is_some()
    }

    /// Returns the origins of `cors-allow-origin` that the controller skips, because they have no scheme (section 7.2). The
    /// origin `*` allows all.
    pub fn skipped_origins(self) -> impl Iterator<Item = &'a str> {
        let set = self.accepted("cors-allow-origin").filter(|_| self.go_bool("enable-cors") == Some(true));
        let origins = || set.into_iter().flat_map(|origins| origins.split(',')).map(str::trim);
        let allows_all = origins().any(|origin| origin == "*");
        origins()
            .filter(move |origin| !allows_all && !origin.is_empty() && *origin != "null" && !origin.contains("://"))
    }

    /// Returns whether the host without or with `www.` redirects to this one (section 7.2).
    #[must_use]
    pub fn redirects_www(self) -> bool {
        self.go_bool("from-to-www-redirect") == Some(true) && !self.drops_redirects()
    }

    /// Returns whether an annotation enables the redirect to HTTPS.
    #[must_use]
    pub fn asks_for_https(self) -> bool {
        ["ssl-redirect", "force-ssl-redirect"].into_iter().any(|name| self.go_bool(name) == Some(true))
    }

    /// Returns the names in `server-alias`.
    pub fn server_aliases(self) -> impl Iterator<Item = &'a str> {
        self.0.server_aliases()
    }

    /// Returns the annotations that ingress-nginx supports or supported, each with its value, empty or not.
    pub fn known(self) -> impl Iterator<Item = (&'static Annotation, &'a str)> {
        let own = self.0.iter().filter_map(|(key, value)| Some((key.strip_prefix(NGINX_PREFIX)?, value)));
        own.filter_map(|(name, value)| Some((find(name)?, value)))
    }

    /// Returns the annotations that a controller of this version reads: it supports them, the annotation that they need is
    /// on, none precedes them, and an old name stands alone. An empty value counts as absent where the old name has a value
    /// (section 7.0).
    pub fn in_force(self, version: Option<Version>) -> impl Iterator<Item = (&'static Annotation, &'a str)> {
        let is_known = move |row: &Annotation| {
            let too_new = row.since.is_some_and(|since| version.is_some_and(|version| version < since));
            row.removed.is_none() && !too_new
        };
        self.known().filter(move |(row, value)| {
            is_known(row)
                && row.with.is_none_or(|other| self.is_on(other))
                && row.without.is_none_or(|other| self.0.nginx(other).is_none())
                && row.alias_of.is_none_or(|name| self.value(name).is_none())
                && !(value.is_empty() && self.has_old_name(row))
        })
    }

    /// Returns whether an old name of an annotation has a value.
    fn has_old_name(self, row: &Annotation) -> bool {
        ALL.iter().any(|old| old.alias_of == Some(row.name) && self.value(old.name).is_some())
    }

    /// Returns the value of an annotation unless it is empty.
    #[must_use]
    pub fn value(self, name: &str) -> Option<&'a str> {
        self.0.nginx(name).filter(|value| !value.is_empty())
    }

    /// Returns the objects of a namespace that the annotations reference, for an Ingress in that namespace.
    pub fn references(self, namespace: &str) -> impl Iterator<Item = (Kind, &'a str)> {
        self.known().filter(|(_, value)| !value.is_empty()).filter_map(move |(row, value)| {
            let (other, name) = reference(value);
            other.is_none_or(|other| other == namespace).then_some((row.names?, name))
        })
    }

    /// Returns whether an annotation is set to anything but false. A switch that Go cannot parse is off.
    #[must_use]
    pub fn is_on(self, name: &str) -> bool {
        let is_switch = || find(name).is_some_and(|row| row.form == Form::Bool);
        self.value(name).is_some_and(|value| go_bool(value).unwrap_or_else(|| !is_switch()))
    }

    /// Returns the value of a boolean annotation; `None`: not set, or Go cannot parse it.
    #[must_use]
    pub fn switch(self, name: &str) -> Option<bool> {
        self.go_bool(name)
    }

    /// Returns whether a boolean annotation is true.
    #[must_use]
    pub fn enables(self, name: &str) -> bool {
        self.go_bool(name) == Some(true)
    }

    /// Returns the value of an annotation if the controller's validator accepts it.
    #[must_use]
    pub fn accepted(self, name: &str) -> Option<&'a str> {
        self.0.nginx(name).filter(|value| find(name).is_some_and(|row| row.accepts(value)))
    }

    /// Parses an annotation as Go's `strconv.ParseBool` does; `None`: it is not a boolean and the default applies.
    fn go_bool(self, name: &str) -> Option<bool> {
        debug_assert!(find(name).is_some_and(|row| row.form == Form::Bool), "{name} is not a boolean");
        go_bool(self.0.nginx(name)?)
    }
}

/// Returns whether a snippet may answer requests or change their URI. Checks read only the names in all other snippets.
#[must_use]
pub fn may_answer(snippet: &str) -> bool {
    ["return", "rewrite", "proxy_pass"].iter().any(|directive| snippet.contains(directive))
}

#[cfg(test)]
mod tests;
