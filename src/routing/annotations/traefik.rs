//! The annotations that Traefik's ingress-nginx provider supports, from the table of its documentation. Annotations that are
//! missing here are unknown.

use self::TraefikSupport::{Hub, Since, Unsupported};
use crate::routing::version::Version;

/// The support of an annotation by Traefik's ingress-nginx provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraefikSupport {
    /// Supported from this version on.
    Since(Version),
    /// Supported by Traefik Hub only.
    Hub,
    /// Not supported.
    Unsupported,
}

const V3_6: Version = Version::new(3, 6, 0);
const V3_7: Version = Version::new(3, 7, 0);

/// Sorted by name.
#[rustfmt::skip]
static ALL: &[(&str, TraefikSupport)] = &[
    ("affinity", Since(V3_6)),
    ("affinity-canary-behavior", Since(V3_7)),
    ("allowlist-source-range", Since(V3_7)),
    ("app-root", Since(V3_7)),
    ("auth-cache-duration", Unsupported),
    ("auth-cache-key", Unsupported),
    ("auth-keepalive", Unsupported),
    ("auth-keepalive-requests", Unsupported),
    ("auth-keepalive-share-vars", Unsupported),
    ("auth-keepalive-timeout", Unsupported),
    ("auth-method", Since(V3_6)),
    ("auth-proxy-set-headers", Unsupported),
    ("auth-realm", Since(V3_6)),
    ("auth-response-headers", Since(V3_6)),
    ("auth-secret", Since(V3_6)),
    ("auth-secret-type", Since(V3_6)),
    ("auth-signin", Since(V3_7)),
    ("auth-snippet", Since(V3_7)),
    ("auth-tls-error-page", Unsupported),
    ("auth-tls-match-cn", Unsupported),
    ("auth-tls-pass-certificate-to-upstream", Since(V3_7)),
    ("auth-tls-secret", Since(V3_7)),
    ("auth-tls-verify-client", Since(V3_7)),
    ("auth-type", Since(V3_6)),
    ("auth-url", Since(V3_6)),
    ("backend-protocol", Since(V3_6)),
    ("canary", Since(V3_7)),
    ("canary-by-cookie", Since(V3_7)),
    ("canary-by-header", Since(V3_7)),
    ("canary-by-header-pattern", Since(V3_7)),
    ("canary-by-header-value", Since(V3_7)),
    ("canary-weight", Since(V3_7)),
    ("canary-weight-total", Since(V3_7)),
    ("client-body-buffer-size", Since(V3_7)),
    ("configuration-snippet", Since(V3_7)),
    ("connection-proxy-header", Unsupported),
    ("cors-allow-credentials", Since(V3_6)),
    ("cors-allow-headers", Since(V3_6)),
    ("cors-allow-methods", Since(V3_6)),
    ("cors-allow-origin", Since(V3_6)),
    ("cors-expose-headers", Since(V3_6)),
    ("cors-max-age", Since(V3_6)),
    ("custom-headers", Since(V3_7)),
    ("custom-http-errors", Since(V3_7)),
    ("default-backend", Since(V3_7)),
    ("denylist-source-range", Unsupported),
    ("disable-proxy-intercept-errors", Unsupported),
    ("enable-cors", Since(V3_6)),
    ("enable-global-auth", Unsupported),
    ("enable-modsecurity", Hub),
    ("enable-opentelemetry", Unsupported),
    ("enable-opentracing", Unsupported),
    ("enable-owasp-core-rules", Hub),
    ("enable-rewrite-log", Unsupported),
    ("force-ssl-redirect", Since(V3_6)),
    ("from-to-www-redirect", Since(V3_7)),
    ("global-rate-limit", Unsupported),
    ("global-rate-limit-ignored-cidrs", Unsupported),
    ("global-rate-limit-key", Unsupported),
    ("global-rate-limit-window", Unsupported),
    ("limit-connections", Unsupported),
    ("limit-rate", Unsupported),
    ("limit-rate-after", Unsupported),
    ("limit-rpm", Since(V3_7)),
    ("limit-rps", Since(V3_7)),
    ("limit-whitelist", Unsupported),
    ("mirror-host", Unsupported),
    ("mirror-request-body", Unsupported),
    ("mirror-target", Unsupported),
    ("modsecurity-snippet", Hub),
    ("modsecurity-transaction-id", Hub),
    ("opentelemetry-trust-incoming-span", Unsupported),
    ("opentracing-trust-incoming-span", Unsupported),
    ("permanent-redirect", Since(V3_7)),
    ("permanent-redirect-code", Since(V3_7)),
    ("preserve-trailing-slash", Unsupported),
    ("proxy-body-size", Since(V3_7)),
    ("proxy-buffer-size", Since(V3_7)),
    ("proxy-buffering", Since(V3_7)),
    ("proxy-buffers-number", Since(V3_7)),
    ("proxy-connect-timeout", Since(V3_7)),
    ("proxy-cookie-domain", Unsupported),
    ("proxy-cookie-path", Unsupported),
    ("proxy-http-version", Since(V3_7)),
    ("proxy-max-temp-file-size", Since(V3_7)),
    ("proxy-next-upstream", Since(V3_7)),
    ("proxy-next-upstream-timeout", Since(V3_7)),
    ("proxy-next-upstream-tries", Since(V3_7)),
    ("proxy-read-timeout", Since(V3_7)),
    ("proxy-redirect-from", Unsupported),
    ("proxy-redirect-to", Unsupported),
    ("proxy-request-buffering", Since(V3_7)),
    ("proxy-send-timeout", Since(V3_7)),
    ("proxy-ssl-ciphers", Unsupported),
    ("proxy-ssl-name", Since(V3_6)),
    ("proxy-ssl-protocols", Unsupported),
    ("proxy-ssl-secret", Since(V3_6)),
    ("proxy-ssl-server-name", Since(V3_6)),
    ("proxy-ssl-verify", Since(V3_6)),
    ("proxy-ssl-verify-depth", Unsupported),
    ("rewrite-target", Since(V3_7)),
    ("satisfy", Unsupported),
    ("server-alias", Since(V3_7)),
    ("server-snippet", Since(V3_7)),
    ("service-upstream", Since(V3_6)),
    ("session-cookie-change-on-failure", Unsupported),
    ("session-cookie-conditional-samesite-none", Unsupported),
    ("session-cookie-domain", Since(V3_6)),
    ("session-cookie-expires", Since(V3_7)),
    ("session-cookie-max-age", Since(V3_6)),
    ("session-cookie-name", Since(V3_6)),
    ("session-cookie-path", Since(V3_6)),
    ("session-cookie-samesite", Since(V3_6)),
    ("session-cookie-secure", Since(V3_6)),
    ("ssl-ciphers", Unsupported),
    ("ssl-passthrough", Since(V3_6)),
    ("ssl-prefer-server-ciphers", Unsupported),
    ("ssl-redirect", Since(V3_6)),
    ("stream-snippet", Unsupported),
    ("temporal-redirect", Since(V3_7)),
    ("temporal-redirect-code", Since(V3_7)),
    ("upstream-hash-by", Since(V3_7)),
    ("upstream-vhost", Since(V3_7)),
    ("use-regex", Since(V3_6)),
    ("whitelist-source-range", Since(V3_7)),
    ("x-forwarded-prefix", Since(V3_7)),
];

impl TraefikSupport {
    /// Returns the support of the annotation with this name after the prefix; `None`: unknown.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        ALL.binary_search_by(|(known, _)| (*known).cmp(name)).ok().map(|at| ALL[at].1)
    }

    /// Returns whether a version certainly ignores the annotation. `None` is an unknown version.
    #[must_use]
    pub fn is_missing(self, version: Option<Version>) -> bool {
        match self {
            Self::Since(since) => version.is_some_and(|version| version < since),
            Self::Hub | Self::Unsupported => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_sorted_and_depend_on_the_version() {
        assert!(ALL.is_sorted_by(|(a, _), (b, _)| a < b));
        let is_missing = |name, version| TraefikSupport::of(name).unwrap().is_missing(version);
        assert!(is_missing("whitelist-source-range", Some(Version::new(3, 6, 9))));
        assert!(!is_missing("whitelist-source-range", Some(V3_7)) && !is_missing("whitelist-source-range", None));
        assert!(is_missing("denylist-source-range", None) && is_missing("enable-modsecurity", Some(V3_7)));
        assert_eq!(TraefikSupport::of("auth-always-set-cookie"), None);
    }
}
