//! What ingress-nginx reads from an Ingress' annotations: sections 3, 4 and 7.

use crate::model::{Annotations, Ingress};

/// Annotations whose value is one line by their nature. Snippets and header lists are not among them, nor lists of
/// address ranges: the controller trims each range.
pub const SINGLE_LINE_ANNOTATIONS: &[&str] = &[
    "affinity",
    "app-root",
    "auth-realm",
    "auth-secret",
    "auth-signin",
    "auth-tls-secret",
    "auth-type",
    "auth-url",
    "backend-protocol",
    "canary",
    "canary-by-cookie",
    "canary-by-header",
    "canary-by-header-value",
    "canary-weight",
    "default-backend",
    "force-ssl-redirect",
    "from-to-www-redirect",
    "permanent-redirect",
    "proxy-body-size",
    "proxy-connect-timeout",
    "proxy-read-timeout",
    "proxy-send-timeout",
    "rewrite-target",
    "service-upstream",
    "session-cookie-name",
    "session-cookie-path",
    "ssl-passthrough",
    "ssl-redirect",
    "temporal-redirect",
    "upstream-hash-by",
    "upstream-vhost",
    "use-regex",
    "x-forwarded-prefix",
];

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
        self.0.nginx("rewrite-target").filter(|value| is_rewrite_target(value))
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
        self.0.nginx("default-backend").filter(|value| !value.is_empty())
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
        self.go_bool("ssl-redirect") != Some(false) || self.go_bool("force-ssl-redirect") == Some(true)
    }

    /// The hosts of `server-alias`.
    pub fn server_aliases(self) -> impl Iterator<Item = &'a str> {
        let aliases = self.0.nginx("server-alias").unwrap_or_default();
        aliases.split(',').map(str::trim).filter(|alias| !alias.is_empty())
    }

    fn is_set(self, name: &str) -> bool {
        self.0.nginx(name).is_some_and(|value| !value.is_empty())
    }

    /// What Go's `strconv.ParseBool` makes of it; `None` where it is no boolean and the default holds.
    fn go_bool(self, name: &str) -> Option<bool> {
        match self.0.nginx(name)? {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
            _ => None,
        }
    }
}

/// ingress-nginx's validator of `rewrite-target` (section 3.3): an optional `/`, then letters, digits and `-._~/:$`.
fn is_rewrite_target(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/:$".contains(&byte))
}
