//! The table. Names and risks are those of upstream's page annotations-risk.md of the last release, forms and effects
//! those of its parsers (`internal/ingress/annotations`, `parser/validators.go`); what was removed is from its changelogs.

use super::form::Form::{
    AnyCase, AuthUrl, Bool, CacheDuration, Chars, Cidrs, Codes, CommonName, Containing, Headers, HttpUrl, Int, List,
    Origins, Qualified, Reference, RootPath, Seconds, ServerName, ServerNames, Service, Size, Text, Url, Word, Words,
};
use super::form::{Form, NAME, PATH, PATTERN, URL, URL_WITH_VARIABLES, VARIABLES};
use super::spec::Effect::{Forbidden, Ignored, NotLoaded, Open, Unavailable};
use super::spec::Risk::{Critical, High, Low, Medium};
use super::spec::{Annotation, Effect, Removed, Risk};
use crate::model::Kind;
use crate::routing::version::Version;

const ON_OFF: Form = Word(&["on", "off"]);
const BALANCERS: Form = Word(&["round_robin", "chash", "chashsubset", "sticky_balanced", "sticky_persistent", "ewma"]);
const METHODS: Form = Word(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"]);
const PROTOCOLS: Form = AnyCase(&["auto_http", "http", "https", "grpc", "grpcs", "fcgi"]);
const RETRIED: Form = Words(&[
    "error",
    "timeout",
    "invalid_header",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_403",
    "http_404",
    "http_429",
    "non_idempotent",
    "off",
]);
const VERIFIED: Form = Word(&["on", "off", "optional", "optional_no_ca"]);

const AFFINITY: &str = "affinity";
const AUTH_TLS: &str = "auth-tls-secret";
const AUTH_TYPE: &str = "auth-type";
const AUTH_URL: &str = "auth-url";
const CANARY: &str = "canary";
const CORS: &str = "enable-cors";
const MIRROR: &str = "mirror-target";
const OTEL: &str = "enable-opentelemetry";
const PROXY_SSL: &str = "proxy-ssl-secret";
const TEMPORAL_REDIRECT: &str = "temporal-redirect";

/// Every annotation, sorted by name.
#[rustfmt::skip]
pub static ALL: &[Annotation] = &[
    gone("add-base-url", Version::new(0, 22, 0), "configure the base path in the application"),
    row(AFFINITY, Low, Word(&["cookie"]), Ignored),
    row("affinity-canary-behavior", Low, Word(&["sticky", "legacy"]), Ignored).with(AFFINITY),
    row("affinity-mode", Medium, Word(&["balanced", "persistent"]), Ignored).with(AFFINITY),
    row("allowlist-source-range", Medium, Cidrs, Unavailable).unread(Unavailable).empty(Unavailable),
    row("app-root", Medium, RootPath, Ignored).unread(Ignored),
    row("auth-always-set-cookie", Low, Bool, Open).with(AUTH_URL),
    row("auth-cache-duration", Medium, CacheDuration, Open).unread(Unavailable).with(AUTH_URL),
    row("auth-cache-key", Medium, Chars(VARIABLES), Ignored).with(AUTH_URL),
    row("auth-keepalive", Low, Int, Ignored).with(AUTH_URL),
    row("auth-keepalive-requests", Low, Int, Ignored).with(AUTH_URL),
    row("auth-keepalive-share-vars", Low, Bool, Ignored).with(AUTH_URL),
    row("auth-keepalive-timeout", Low, Int, Ignored).with(AUTH_URL),
    row("auth-method", Low, METHODS, Unavailable).with(AUTH_URL),
    row("auth-proxy-set-headers", Medium, Reference, Ignored).unread(Unavailable).with(AUTH_URL).names(Kind::ConfigMap),
    row("auth-realm", Medium, Chars(NAME), NotLoaded).with(AUTH_TYPE),
    row("auth-request-redirect", Medium, Chars(URL), Open).with(AUTH_URL),
    row("auth-response-headers", Medium, Headers, Unavailable).unread(Unavailable).with(AUTH_URL),
    row("auth-secret", Medium, Reference, Unavailable).unread(Unavailable).empty(Unavailable).with(AUTH_TYPE).names(Kind::Secret),
    row("auth-secret-type", Low, Containing(&["auth-file", "auth-map"]), NotLoaded).with(AUTH_TYPE),
    row("auth-signin", High, Chars(URL_WITH_VARIABLES), Ignored).with(AUTH_URL),
    row("auth-signin-redirect-param", Medium, Chars(URL), Ignored).with(AUTH_URL),
    row("auth-snippet", Critical, Text, Ignored),
    row("auth-tls-error-page", High, Chars("-._/:@ "), NotLoaded).with(AUTH_TLS),
    row("auth-tls-match-cn", High, CommonName, NotLoaded).with(AUTH_TLS),
    row("auth-tls-pass-certificate-to-upstream", Low, Bool, NotLoaded).with(AUTH_TLS),
    row(AUTH_TLS, Medium, Qualified, NotLoaded).unread(Forbidden).names(Kind::Secret),
    row("auth-tls-verify-client", Medium, VERIFIED, Ignored).unread(Ignored).with(AUTH_TLS),
    row("auth-tls-verify-depth", Low, Int, Ignored).with(AUTH_TLS),
    row(AUTH_TYPE, Low, Containing(&["basic", "digest"]), NotLoaded).unread(Unavailable),
    row(AUTH_URL, High, AuthUrl, NotLoaded).unread(Unavailable),
    row("backend-protocol", Low, PROTOCOLS, Ignored),
    gone("base-url-scheme", Version::new(0, 22, 0), "configure the base path in the application"),
    row(CANARY, Low, Bool, Ignored),
    row("canary-by-cookie", Medium, Chars(NAME), Ignored).with(CANARY),
    row("canary-by-header", Medium, Chars(NAME), Ignored).with(CANARY),
    row("canary-by-header-pattern", Medium, Chars(PATTERN), Ignored).with(CANARY),
    row("canary-by-header-value", Medium, Chars(NAME), Ignored).with(CANARY),
    row("canary-weight", Low, Int, Ignored).with(CANARY),
    row("canary-weight-total", Low, Int, Ignored).with(CANARY),
    row("client-body-buffer-size", Low, Size, NotLoaded),
    row("configuration-snippet", Critical, Text, Ignored),
    row("connection-proxy-header", Low, Word(&["close", "keep-alive"]), NotLoaded),
    row("cors-allow-credentials", Low, Bool, Ignored).with(CORS),
    row("cors-allow-headers", Medium, List("-_, "), Ignored).unread(Ignored).with(CORS),
    row("cors-allow-methods", Medium, List(", "), Ignored).unread(Ignored).with(CORS),
    row("cors-allow-origin", Medium, Origins, Ignored).unread(Ignored).with(CORS),
    row("cors-expose-headers", Medium, List("-_*, \t"), Ignored).unread(Ignored).with(CORS),
    row("cors-max-age", Low, Int, Ignored).with(CORS),
    row("custom-headers", Medium, Reference, Ignored).unread(Unavailable).names(Kind::ConfigMap).since(1, 11),
    row("custom-http-errors", Low, Codes, NotLoaded).unread(Ignored),
    row("default-backend", Low, Service, NotLoaded).unread(Ignored).names(Kind::Service),
    row("denylist-source-range", Medium, Cidrs, Unavailable).unread(Unavailable).empty(Unavailable),
    row("disable-proxy-intercept-errors", Low, Bool, Ignored),
    row("enable-access-log", Low, Bool, Ignored),
    row(CORS, Low, Bool, Ignored),
    row("enable-global-auth", Low, Bool, Ignored),
    gone("enable-influxdb", Version::new(1, 7, 1), "remove it"),
    row("enable-modsecurity", Low, Bool, Ignored),
    row(OTEL, Low, Bool, Ignored),
    gone("enable-opentracing", Version::new(1, 10, 0), "use enable-opentelemetry"),
    row("enable-owasp-core-rules", Low, Bool, Ignored),
    row("enable-rewrite-log", Low, Bool, Ignored),
    row("fastcgi-index", Medium, Chars("-._ "), NotLoaded),
    row("fastcgi-params-configmap", Medium, Reference, NotLoaded).unread(Unavailable).names(Kind::ConfigMap),
    row("force-ssl-redirect", Medium, Bool, Ignored),
    row("from-to-www-redirect", Low, Bool, NotLoaded),
    gone("global-rate-limit", Version::new(1, 12, 0), "use limit-rps, which counts per replica"),
    gone("global-rate-limit-ignored-cidrs", Version::new(1, 12, 0), "use limit-allowlist"),
    gone("global-rate-limit-key", Version::new(1, 12, 0), "use limit-rps, which counts per client address"),
    gone("global-rate-limit-window", Version::new(1, 12, 0), "use limit-rps or limit-rpm"),
    gone("grpc-backend", Version::new(0, 21, 0), "use backend-protocol: GRPC"),
    row("http2-push-preload", Low, Bool, NotLoaded),
    gone("influxdb-host", Version::new(1, 7, 1), "remove it"),
    gone("influxdb-measurement", Version::new(1, 7, 1), "remove it"),
    gone("influxdb-port", Version::new(1, 7, 1), "remove it"),
    gone("influxdb-server-name", Version::new(1, 7, 1), "remove it"),
    row("limit-allowlist", Low, Cidrs, NotLoaded),
    row("limit-burst-multiplier", Low, Int, Ignored),
    row("limit-connections", Low, Int, NotLoaded),
    row("limit-rate", Low, Int, Ignored),
    row("limit-rate-after", Low, Int, Ignored),
    row("limit-rpm", Low, Int, NotLoaded),
    row("limit-rps", Low, Int, NotLoaded),
    row("limit-whitelist", Low, Cidrs, NotLoaded).alias_of("limit-allowlist"),
    row("load-balance", Low, BALANCERS, NotLoaded),
    gone("lua-resty-waf", Version::new(0, 27, 0), "use enable-modsecurity"),
    gone("lua-resty-waf-allow-unknown-content-types", Version::new(0, 27, 0), "use enable-modsecurity"),
    gone("lua-resty-waf-debug", Version::new(0, 27, 0), "use enable-modsecurity"),
    gone("lua-resty-waf-extra-rules", Version::new(0, 27, 0), "use enable-modsecurity"),
    gone("lua-resty-waf-ignore-rulesets", Version::new(0, 27, 0), "use enable-modsecurity"),
    gone("lua-resty-waf-process-multipart-body", Version::new(0, 27, 0), "use enable-modsecurity"),
    gone("lua-resty-waf-score-threshold", Version::new(0, 27, 0), "use enable-modsecurity"),
    row("mirror-host", High, ServerName, Ignored).with(MIRROR),
    row("mirror-request-body", Low, ON_OFF, Ignored).with(MIRROR),
    row(MIRROR, High, ServerName, Ignored),
    row("modsecurity-snippet", Critical, Text, Ignored),
    row("modsecurity-transaction-id", High, Chars(VARIABLES), Ignored),
    row("opentelemetry-operation-name", Medium, Chars("-_ "), NotLoaded).with(OTEL),
    row("opentelemetry-trust-incoming-span", Low, Bool, Ignored).with(OTEL),
    gone("opentracing-trust-incoming-span", Version::new(1, 10, 0), "use opentelemetry-trust-incoming-span"),
    row("permanent-redirect", Medium, Url, NotLoaded).without(TEMPORAL_REDIRECT),
    row("permanent-redirect-code", Low, Int, NotLoaded).without(TEMPORAL_REDIRECT),
    row("preserve-trailing-slash", Medium, Bool, Ignored),
    row("proxy-body-size", Medium, Size, Ignored),
    row("proxy-buffer-size", Low, Size, Ignored),
    row("proxy-buffering", Low, ON_OFF, Ignored),
    row("proxy-buffers-number", Low, Int, Ignored),
    row("proxy-busy-buffers-size", Low, Size, Ignored).since(1, 13),
    row("proxy-connect-timeout", Low, Int, Ignored),
    row("proxy-cookie-domain", Medium, Chars(NAME), Ignored),
    row("proxy-cookie-path", Medium, Chars(URL), Ignored),
    row("proxy-http-version", Low, Word(&["1.0", "1.1"]), Ignored),
    row("proxy-max-temp-file-size", Low, Size, Ignored),
    row("proxy-next-upstream", Medium, RETRIED, Ignored),
    row("proxy-next-upstream-timeout", Low, Int, Ignored),
    row("proxy-next-upstream-tries", Low, Int, Ignored),
    row("proxy-read-timeout", Low, Int, Ignored),
    row("proxy-redirect-from", Medium, Chars(URL), Ignored),
    row("proxy-redirect-to", Medium, Chars(URL), Ignored),
    row("proxy-request-buffering", Low, ON_OFF, Ignored),
    row("proxy-send-timeout", Low, Int, Ignored),
    row("proxy-ssl-ciphers", Medium, Chars("+:_-! "), Ignored).with(PROXY_SSL),
    row("proxy-ssl-name", High, ServerName, Ignored).with(PROXY_SSL),
    row("proxy-ssl-protocols", Low, Words(&["TLSv1.2", "TLSv1.3"]), Ignored).with(PROXY_SSL),
    row(PROXY_SSL, Medium, Qualified, NotLoaded).unread(Unavailable).names(Kind::Secret),
    row("proxy-ssl-server-name", Low, ON_OFF, Ignored).unread(Ignored).with(PROXY_SSL),
    row("proxy-ssl-verify", Low, ON_OFF, Ignored).unread(Ignored).with(PROXY_SSL),
    row("proxy-ssl-verify-depth", Low, Int, Ignored).with(PROXY_SSL),
    row("relative-redirects", Low, Bool, NotLoaded).since(1, 13),
    gone("rewrite-log", Version::new(0, 20, 0), "use enable-rewrite-log"),
    row("rewrite-target", Medium, Chars(PATH), Ignored),
    row("satisfy", Low, Word(&["any", "all"]), Ignored).unread(Ignored),
    gone("secure-backends", Version::new(0, 21, 0), "use backend-protocol: HTTPS"),
    gone("secure-verify-ca-secret", Version::new(0, 27, 0), "use proxy-ssl-secret"),
    row("server-alias", High, ServerNames, NotLoaded),
    row("server-snippet", Critical, Text, Ignored),
    row("service-upstream", Low, Bool, Ignored),
    row("session-cookie-change-on-failure", Low, Bool, Ignored).with(AFFINITY),
    row("session-cookie-conditional-samesite-none", Low, Bool, Ignored).with(AFFINITY),
    row("session-cookie-domain", Medium, Chars(NAME), Ignored).with(AFFINITY),
    row("session-cookie-expires", Medium, Seconds, Ignored).with(AFFINITY),
    gone("session-cookie-hash", Version::new(0, 24, 0), "remove it"),
    row("session-cookie-max-age", Medium, Seconds, Ignored).with(AFFINITY),
    row("session-cookie-name", Medium, Chars(NAME), Ignored).with(AFFINITY),
    row("session-cookie-path", Medium, Chars(URL), Ignored).with(AFFINITY),
    row("session-cookie-samesite", Low, AnyCase(&["none", "lax", "strict"]), Ignored).with(AFFINITY),
    row("session-cookie-secure", Low, Bool, Ignored).with(AFFINITY),
    row("ssl-ciphers", Low, Chars("!:+-_@= "), NotLoaded),
    row("ssl-passthrough", Low, Bool, NotLoaded),
    row("ssl-prefer-server-ciphers", Low, Bool, Ignored),
    row("ssl-redirect", Low, Bool, Ignored),
    row("stream-snippet", Critical, Text, Ignored),
    row(TEMPORAL_REDIRECT, Medium, HttpUrl, NotLoaded).unread(Ignored),
    row("temporal-redirect-code", Low, Int, NotLoaded).since(1, 12).with(TEMPORAL_REDIRECT),
    row("upstream-hash-by", High, Chars(VARIABLES), NotLoaded),
    row("upstream-hash-by-subset", Low, Bool, NotLoaded),
    row("upstream-hash-by-subset-size", Low, Int, NotLoaded),
    row("upstream-vhost", Low, ServerName, NotLoaded),
    row("use-port-in-redirects", Low, Bool, Ignored),
    row("use-regex", Low, Bool, Ignored),
    row("whitelist-source-range", Medium, Cidrs, Unavailable).unread(Unavailable).alias_of("allowlist-source-range"),
    row("x-forwarded-prefix", Medium, Chars("-._~/:$ "), NotLoaded),
];

/// If the value is neither boolean nor number, the controller cannot parse it either, and the default applies.
const fn row(name: &'static str, risk: Risk, form: Form, refused: Effect) -> Annotation {
    let unread = match form {
        Bool | Int | Seconds | Cidrs => Some(Ignored),
        _ => None,
    };
    Annotation {
        name,
        risk,
        form,
        refused,
        unread,
        empty: None,
        with: None,
        without: None,
        names: None,
        alias_of: None,
        since: None,
        removed: None,
    }
}

/// An annotation that version `by` was the first not to know.
const fn gone(name: &'static str, by: Version, instead: &'static str) -> Annotation {
    let removed = Some(Removed { by, instead });
    Annotation { removed, ..row(name, Low, Text, Ignored) }
}

impl Annotation {
    const fn unread(self, effect: Effect) -> Self {
        Self { unread: Some(effect), ..self }
    }

    const fn empty(self, effect: Effect) -> Self {
        Self { empty: Some(effect), ..self }
    }

    const fn with(self, other: &'static str) -> Self {
        Self { with: Some(other), ..self }
    }

    const fn without(self, other: &'static str) -> Self {
        Self { without: Some(other), ..self }
    }

    const fn names(self, named: Kind) -> Self {
        Self { names: Some(named), ..self }
    }

    const fn alias_of(self, name: &'static str) -> Self {
        Self { alias_of: Some(name), ..self }
    }

    const fn since(self, major: u32, minor: u32) -> Self {
        Self { since: Some(Version::new(major, minor, 0)), ..self }
    }
}

/// Returns the annotation with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Annotation> {
    ALL.binary_search_by(|row| row.name.cmp(name)).ok().map(|at| &ALL[at])
}
