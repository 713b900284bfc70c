//! Annotation values, each with what the controller does with it. They were tried on ingress-nginx 1.15.1; the table shares
//! nothing with that of `src/routing`. Whether nginx takes a value that the controller writes is left to nginx.

/// What the controller does with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It writes the value into the configuration.
    Written,
    /// It ignores the annotation.
    Ignored,
    /// It drops the external authentication.
    Open,
    /// It answers 503 in the locations of the Ingress.
    Denied,
    /// It answers 403 on the hosts of the Ingress.
    Forbidden,
    /// It does not load the Ingress.
    NotLoaded,
}

use Effect::{Denied, Forbidden, Ignored, NotLoaded, Open, Written};

/// An annotation that is read alone, or beside another.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) name: &'static str,
    pub(crate) beside: Option<(&'static str, &'static str)>,
    pub(crate) values: &'static [(Effect, &'static [&'static str])],
}

const AUTH: Option<(&str, &str)> = Some(("auth-url", "http://auth.test/check"));
const MIRROR: Option<(&str, &str)> = Some(("mirror-target", "https://copy.example.com/"));
const LIMIT: Option<(&str, &str)> = Some(("limit-rps", "100"));
const BASIC: Option<(&str, &str)> = Some(("auth-type", "basic"));

const fn alone(name: &'static str, values: &'static [(Effect, &'static [&'static str])]) -> Tried {
    Tried { name, beside: None, values }
}

const fn beside(
    beside: Option<(&'static str, &'static str)>,
    name: &'static str,
    values: &'static [(Effect, &'static [&'static str])],
) -> Tried {
    Tried { name, beside, values }
}

#[rustfmt::skip]
pub(crate) const TRIED: &[Tried] = &[
    alone("proxy-buffer-size", &[(Written, &["1k", "8k", "16k", "4096", "8K", "0k", "0", "1g"]), (Ignored, &["bad", "-1", ""])]),
    alone("proxy-buffers-number", &[(Written, &["4", "8", "3", "-1", "0", "1", "2"]), (Ignored, &["abc"])]),
    alone("proxy-busy-buffers-size", &[(Written, &["8k", "4k", "12k", "0", "1k", "16k", "32k"]), (Ignored, &["bad", "-1"])]),
    alone("proxy-max-temp-file-size", &[(Written, &["0", "10k", "1024m", "1k"]), (Ignored, &["bad", "-1"])]),
    alone("proxy-body-size", &[(Written, &["0", "1m", "1G", "99999999999999999999g"]), (Ignored, &["8mb", "1.5m", "bad"])]),
    alone("client-body-buffer-size", &[(Written, &["8k", "1m"]), (NotLoaded, &["bad", "-1"])]),
    alone("proxy-connect-timeout", &[(Written, &["5", "0", "-1"]), (Ignored, &["5s", "1h"])]),
    alone("proxy-read-timeout", &[(Written, &["60", "99999999", "-5"]), (Ignored, &["5s"])]),
    alone("proxy-send-timeout", &[(Written, &["60", "4294967296", "-1"]), (Ignored, &["1h"])]),
    alone("proxy-next-upstream-timeout", &[(Written, &["0", "5", "9999999999", "-1"]), (Ignored, &["5s"])]),
    alone("proxy-next-upstream-tries", &[(Written, &["0", "3", "-1"]), (Ignored, &["x"])]),
    alone("proxy-cookie-path", &[(Written, &["off", "/ /x", "/a /b", "bad", "/", "/a /b /c"]), (Ignored, &["~^/ /x", "$x /"])]),
    alone("ssl-ciphers", &[(Written, &["HIGH", "ALL:!aNULL", "HIGH:NOPE", "NOPE", "!ALL"]), (NotLoaded, &["bad;"])]),
    alone("custom-http-errors", &[
        (Written, &["404", "503", "404,503", "404, 503", "418", "499"]), (Ignored, &["404 503"]), (NotLoaded, &["abc", "200", "600", "5xx"])]),
    alone("default-backend", &[(Written, &["errors", "errors", "errors", "gone", "idle"]), (NotLoaded, &["Bad_Name", "def:80"])]),
    alone("upstream-vhost", &[
        (Written, &["app.internal", "$host", "$service_name.$namespace", "$undefined", "${x}"]), (NotLoaded, &["a b", "foo.test;x"])]),
    alone("x-forwarded-prefix", &[(Written, &["/x", "$uri", "$undefined"]), (NotLoaded, &["/x;"])]),
    alone("connection-proxy-header", &[(Written, &["close", "keep-alive"]), (NotLoaded, &["upgrade"])]),
    alone("limit-rps", &[(Written, &["100"]), (Ignored, &["0", "-1"]), (NotLoaded, &["x"])]),
    alone("limit-rpm", &[(Written, &["6000"]), (Ignored, &["0", "-1"]), (NotLoaded, &["abc"])]),
    alone("limit-connections", &[(Written, &["50", "99999999999"]), (Ignored, &["0", "-1"]), (NotLoaded, &["abc"])]),
    beside(LIMIT, "limit-burst-multiplier", &[(Written, &["3", "0", "-1"]), (Ignored, &["x"])]),
    alone("limit-whitelist", &[(NotLoaded, &["bad"])]),
    alone("load-balance", &[(Ignored, &["ewma", "round_robin"]), (NotLoaded, &["ip_hash"])]),
    alone("upstream-hash-by", &[(Ignored, &["$request_uri", "$undefined", "$"]), (NotLoaded, &["a;b"])]),
    alone("http2-push-preload", &[(Ignored, &["true"]), (NotLoaded, &["yes"])]),
    alone("fastcgi-index", &[(Ignored, &["index.php"]), (NotLoaded, &["$x"])]),
    alone("permanent-redirect", &[(NotLoaded, &["https://elsewhere.example.com/$x", "https://elsewhere.example.com/a b", "/x;"])]),
    alone("temporal-redirect", &[(NotLoaded, &["https://elsewhere.example.com/$x"])]),
    alone("from-to-www-redirect", &[(Written, &["true", "true", "1"]), (Ignored, &["false"]), (NotLoaded, &["yes"])]),
    alone("server-alias", &[
        (Written, &["~", "~[", "~^foo(", "*", "*.", "*.a.*", "a..b", "alias.example.net"]),
        (NotLoaded, &["a b.example.net", "a;b", "~(?<n>x)"])]),
    alone("enable-cors", &[(Written, &["true", "true"]), (Ignored, &["yes", "false"])]),
    alone("auth-url", &[
        (Written, &["http://auth.test/check", "https://auth.test/$request_uri", "http://auth.test/$undefined", "http://auth.test/$cors"]),
        (Denied, &["auth.test", "/x", "http://auth example/"]), (NotLoaded, &["http://auth.test/a;b"])]),
    beside(AUTH, "auth-method", &[(Written, &["GET", "POST"]), (Denied, &["FOO", "get"])]),
    beside(AUTH, "auth-response-headers", &[(Written, &["X-User, X-Mail"]), (Denied, &["bad header", "X;A"])]),
    beside(AUTH, "auth-cache-duration", &[(Ignored, &["200 10m"]), (Denied, &["bad", "200 10x"])]),
    beside(AUTH, "auth-cache-key", &[(Written, &["$remote_user", "$undefined"]), (Ignored, &["a\"b"])]),
    beside(AUTH, "auth-signin", &[
        (Written, &["https://login.example.com/", "https://login.example.com/$request_uri", "x y", "http://login.example.com/$undefined"]),
        (Ignored, &["@named"])]),
    beside(AUTH, "auth-request-redirect", &[(Written, &["https://app.example.com/", "a b"]), (Open, &["http://x/$undefined"])]),
    beside(AUTH, "auth-always-set-cookie", &[(Ignored, &["true"]), (Open, &["x"])]),
    beside(AUTH, "auth-proxy-set-headers", &[(Denied, &["shop/absent", "absent"])]),
    beside(BASIC, "auth-secret", &[(Denied, &["absent", "other/absent"])]),
    alone("auth-type", &[(Denied, &["basic", "digest"]), (NotLoaded, &["none"])]),
    alone("auth-tls-secret", &[(Forbidden, &["absent", "shop/absent", "other/absent"])]),
    alone("proxy-ssl-secret", &[(Denied, &["shop/absent", "team/absent"])]),
    alone("custom-headers", &[(Denied, &["absent"])]),
    alone("fastcgi-params-configmap", &[(Denied, &["absent"])]),
    alone("whitelist-source-range", &[(Denied, &["bad", "300.0.0.0/8"])]),
    alone("denylist-source-range", &[(Denied, &["bad", ""])]),
    alone("allowlist-source-range", &[(Denied, &["bad", ""])]),
    alone("mirror-target", &[(Written, &["https://copy.example.com/", "https://copy.example.com/$request_uri", "https://x.test/$undefined"]), (Ignored, &["a b"])]),
    beside(MIRROR, "mirror-host", &[(Written, &["copy.example.com", "$host", "$undefined"]), (Ignored, &["a b"])]),
    alone("app-root", &[(Written, &["/$undefined", "/$auth_cookie"]), (Ignored, &["/a?b", "/a b"])]),
    alone("rewrite-target", &[
        (Written, &["/$undefined", "/$", "/$-", "/$0", "/$1$", "/$auth_cookie", "/$escaped_request_uri", "/$cors", "/$redirect_to", "/$subdomain",
            "/$ssl_redirect", "/$force_ssl_redirect", "/$service_name", "/$cache_key", "/$the_real_ip", "/$block_ua"]),
        (Ignored, &["/a%20b", "/a\"b", "/x;"])]),
    alone("backend-protocol", &[(Ignored, &["bad", "AJP", "HTTP2"])]),
    alone("satisfy", &[(Ignored, &["some"])]),
    alone("affinity", &[(Ignored, &["cookie", "bad"])]),
];

/// Returns what the controller does with a value, if the value is one of the table.
pub(crate) fn effect(name: &str, value: &str) -> Option<Effect> {
    let values = TRIED.iter().filter(|tried| tried.name == name).flat_map(|tried| tried.values);
    values.into_iter().find(|(_, values)| values.contains(&value)).map(|(effect, _)| *effect)
}
