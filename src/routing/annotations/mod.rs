//! What ingress-nginx reads from an Ingress' annotations: sections 3, 4 and 7.

mod form;
mod spec;
mod table;

pub use form::{Flaw, Form, go_bool};
pub use spec::{Annotation, Effect, Fault, Removed, Risk, find, reference};
pub use table::ALL;

use crate::model::{Annotations, Ingress, Kind, NGINX_PREFIX};
use crate::routing::version::Version;

/// nginx reads no longer parameter, in bytes (section 2.8, B9).
pub(crate) const LONGEST_PARAMETER: usize = 4093;

/// The Secrets and ConfigMaps of its own namespace that an Ingress names, in `spec.tls` or by annotation.
pub fn named_by(ingress: &Ingress) -> impl Iterator<Item = (Kind, &str)> {
    let of_annotations = NginxAnnotations::of(ingress).named(&ingress.meta.key.namespace);
    of_annotations.chain(ingress.tls.iter().filter_map(|entry| Some((Kind::Secret, entry.secret_name.as_deref()?))))
}

/// An Ingress' annotations as ingress-nginx understands them.
#[derive(Debug, Clone, Copy)]
pub struct NginxAnnotations<'a>(&'a Annotations);

impl<'a> NginxAnnotations<'a> {
    /// Those of this Ingress.
    #[must_use]
    pub fn of(ingress: &'a Ingress) -> Self {
        Self(&ingress.meta.annotations)
    }

    /// `rewrite-target`, where the controller accepts its value: others are dropped in silence (section 3.3).
    #[must_use]
    pub fn rewrite_target(self) -> Option<&'a str> {
        self.accepted("rewrite-target")
    }

    /// Paths are patterns: what is no boolean to Go counts as `false`, in silence (sections 2.6 and 3.3).
    #[must_use]
    pub fn use_regex(self) -> bool {
        self.go_bool("use-regex") == Some(true)
    }

    /// Every request is answered by a redirect before any backend is looked for (section 4.7).
    #[must_use]
    pub fn redirects_everything(self) -> bool {
        ["permanent-redirect", "temporal-redirect"].iter().any(|name| self.is_set(name))
    }

    /// The status of the redirect that answers every request: `temporal-redirect` goes before `permanent-redirect`
    /// (section 7.2).
    #[must_use]
    pub fn redirect_status(self) -> Option<u16> {
        let code = |name, default| {
            let code = self.0.nginx(name).and_then(|code| code.parse().ok());
            code.filter(|code| (300..=308).contains(code)).unwrap_or(default)
        };
        if self.is_set("temporal-redirect") {
            Some(code("temporal-redirect-code", 302))
        } else if self.is_set("permanent-redirect") {
            Some(code("permanent-redirect-code", 301))
        } else {
            None
        }
    }

    /// Where `/` of the host redirects to: an absolute path (section 3.4).
    #[must_use]
    pub fn app_root(self) -> Option<&'a str> {
        self.accepted("app-root").filter(|value| value.starts_with('/'))
    }

    /// HTTP is redirected to HTTPS whether or not the host has a certificate (section 5.5).
    #[must_use]
    pub fn forces_https(self) -> bool {
        self.go_bool("force-ssl-redirect") == Some(true)
    }

    /// The Ingress is a canary: only its canary annotations count, and the main Ingress answers where it cannot
    /// (section 7.1).
    #[must_use]
    pub fn is_canary(self) -> bool {
        self.go_bool("canary") == Some(true)
    }

    /// A snippet may answer before any backend is looked for. Whether snippets are allowed is the controller's to say.
    #[must_use]
    pub fn may_answer_by_snippet(self) -> bool {
        const DIRECTIVES: [&str; 3] = ["return", "rewrite", "proxy_pass"];
        let snippets = ["configuration-snippet", "server-snippet"].into_iter().filter_map(|name| self.0.nginx(name));
        snippets.into_iter().any(|snippet| DIRECTIVES.iter().any(|directive| snippet.contains(directive)))
    }

    /// The Service that answers in the place of one without endpoints (section 4.6).
    #[must_use]
    pub fn default_backend(self) -> Option<&'a str> {
        self.value("default-backend")
    }

    /// The Service's own address is used in the place of its endpoints (section 4.5).
    #[must_use]
    pub fn service_upstream(self) -> bool {
        self.go_bool("service-upstream") == Some(true)
    }

    /// `foo.com` and `www.foo.com` answer for each other.
    #[must_use]
    pub fn redirects_www(self) -> bool {
        self.go_bool("from-to-www-redirect") == Some(true)
    }

    /// HTTP is redirected to HTTPS where the host has a certificate, even the default one: on unless switched off
    /// (section 5.5).
    #[must_use]
    pub fn redirects_to_https(self) -> bool {
        self.go_bool("ssl-redirect") != Some(false) || self.forces_https()
    }

    /// That redirect is asked for by an annotation.
    #[must_use]
    pub fn asks_for_https(self) -> bool {
        ["ssl-redirect", "force-ssl-redirect"].into_iter().any(|name| self.go_bool(name) == Some(true))
    }

    /// The hosts of `server-alias`.
    pub fn server_aliases(self) -> impl Iterator<Item = &'a str> {
        let aliases = self.0.nginx("server-alias").unwrap_or_default();
        aliases.split(',').map(str::trim).filter(|alias| !alias.is_empty())
    }

    /// Those that ingress-nginx has or had, each with its value, empty or not.
    pub fn known(self) -> impl Iterator<Item = (&'static Annotation, &'a str)> {
        let own = self.0.iter().filter_map(|(key, value)| Some((key.strip_prefix(NGINX_PREFIX)?, value)));
        own.filter_map(|(name, value)| Some((spec::find(name)?, value)))
    }

    /// Those that a controller of this version reads: those that it knows, where what they need is on, and an old name
    /// only in the place of the new one.
    pub fn in_force(self, version: Option<Version>) -> impl Iterator<Item = (&'static Annotation, &'a str)> {
        let is_known = move |row: &Annotation| {
            let too_new = row.since.is_some_and(|since| version.is_some_and(|version| version < since));
            row.removed.is_none() && !too_new
        };
        self.known().filter(move |(row, _)| {
            is_known(row)
                && row.with.is_none_or(|other| self.is_on(other))
                && row.alias_of.is_none_or(|name| self.value(name).is_none())
        })
    }

    /// The value of an annotation, where it is not empty.
    #[must_use]
    pub fn value(self, name: &str) -> Option<&'a str> {
        self.0.nginx(name).filter(|value| !value.is_empty())
    }

    /// The objects of a namespace that annotations of an Ingress in that namespace name.
    pub fn named(self, namespace: &str) -> impl Iterator<Item = (Kind, &'a str)> {
        self.known().filter(|(_, value)| !value.is_empty()).filter_map(move |(row, value)| {
            let (other, name) = spec::reference(value);
            other.is_none_or(|other| other == namespace).then_some((row.names?, name))
        })
    }

    /// An annotation says something other than no.
    #[must_use]
    pub fn is_on(self, name: &str) -> bool {
        self.value(name).is_some_and(|value| go_bool(value) != Some(false))
    }

    fn is_set(self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The value of an annotation, where the controller's validator takes it.
    #[must_use]
    pub fn accepted(self, name: &str) -> Option<&'a str> {
        self.0.nginx(name).filter(|value| spec::find(name).is_some_and(|row| row.accepts(value)))
    }

    /// What Go's `strconv.ParseBool` makes of it; `None` where it is no boolean and the default holds.
    fn go_bool(self, name: &str) -> Option<bool> {
        debug_assert!(spec::find(name).is_some_and(|row| row.form == Form::Bool), "{name} is no boolean");
        go_bool(self.0.nginx(name)?)
    }
}

#[cfg(test)]
mod tests;
