//! nginx variables: which of those that a text uses the controller's nginx does not know. One unknown variable, and it
//! does not load its configuration (section 2.8, B5 and B6).

use std::fmt;

use super::rewrite::{Piece, pieces};
use crate::model::{Host, Ingress};
use crate::routing::annotations::NginxAnnotations;
use crate::routing::version::Version;

/// Variables of nginx 1.27 itself with the modules that the controller's image has, sorted: those of upstream's index of
/// variables for these modules; all of them that nginx 1.22 has were tried with it.
const OF_NGINX: &[&str] = &[
    "ancient_browser",
    "args",
    "binary_remote_addr",
    "body_bytes_sent",
    "bytes_sent",
    "connection",
    "connection_requests",
    "connection_time",
    "connections_active",
    "connections_reading",
    "connections_waiting",
    "connections_writing",
    "content_length",
    "content_type",
    "date_gmt",
    "date_local",
    "document_root",
    "document_uri",
    "fastcgi_path_info",
    "fastcgi_script_name",
    "gzip_ratio",
    "host",
    "hostname",
    "http2",
    "http3",
    "https",
    "invalid_referer",
    "is_args",
    "limit_conn_status",
    "limit_rate",
    "limit_req_status",
    "modern_browser",
    "msec",
    "msie",
    "nginx_version",
    "pid",
    "pipe",
    "proxy_add_x_forwarded_for",
    "proxy_host",
    "proxy_port",
    "proxy_protocol_addr",
    "proxy_protocol_port",
    "proxy_protocol_server_addr",
    "proxy_protocol_server_port",
    "query_string",
    "realip_remote_addr",
    "realip_remote_port",
    "realpath_root",
    "remote_addr",
    "remote_port",
    "remote_user",
    "request",
    "request_body",
    "request_body_file",
    "request_completion",
    "request_filename",
    "request_id",
    "request_length",
    "request_method",
    "request_time",
    "request_uri",
    "scheme",
    "secure_link",
    "secure_link_expires",
    "server_addr",
    "server_name",
    "server_port",
    "server_protocol",
    "ssl_alpn_protocol",
    "ssl_cipher",
    "ssl_ciphers",
    "ssl_client_cert",
    "ssl_client_escaped_cert",
    "ssl_client_fingerprint",
    "ssl_client_i_dn",
    "ssl_client_i_dn_legacy",
    "ssl_client_raw_cert",
    "ssl_client_s_dn",
    "ssl_client_s_dn_legacy",
    "ssl_client_serial",
    "ssl_client_v_end",
    "ssl_client_v_remain",
    "ssl_client_v_start",
    "ssl_client_verify",
    "ssl_curve",
    "ssl_curves",
    "ssl_early_data",
    "ssl_protocol",
    "ssl_server_name",
    "ssl_session_id",
    "ssl_session_reused",
    "status",
    "tcpinfo_rcv_space",
    "tcpinfo_rtt",
    "tcpinfo_rttvar",
    "tcpinfo_snd_cwnd",
    "time_iso8601",
    "time_local",
    "uid_got",
    "uid_reset",
    "uid_set",
    "upstream_addr",
    "upstream_bytes_received",
    "upstream_bytes_sent",
    "upstream_cache_last_modified",
    "upstream_cache_status",
    "upstream_connect_time",
    "upstream_header_time",
    "upstream_queue_time",
    "upstream_response_length",
    "upstream_response_time",
    "upstream_status",
    "uri",
];

/// Those of [`OF_NGINX`] whose name a group may have, sorted, besides those that begin with `ssl_`: nginx lets them be set, or
/// they are of modules with which it was not tried.
const MAY_BE_SET: &[&str] = &[
    "ancient_browser",
    "args",
    "http3",
    "invalid_referer",
    "limit_rate",
    "modern_browser",
    "msie",
    "proxy_host",
    "proxy_port",
    "uid_reset",
    "upstream_queue_time",
];

/// Variables that the controller's template sets in every location or for every request, sorted.
const OF_TEMPLATE: &[&str] = &[
    "balancer_ewma_score",
    "best_http_host",
    "connection_upgrade",
    "force_no_ssl_redirect",
    "force_ssl_redirect",
    "ingress_name",
    "literal_dollar",
    "location_path",
    "loggable",
    "namespace",
    "pass_access_scheme",
    "pass_port",
    "pass_server_port",
    "preserve_trailing_slash",
    "proxy_alternative_upstream_name",
    "proxy_upstream_name",
    "req_id",
    "service_name",
    "service_port",
    "ssl_redirect",
    "use_port_in_redirects",
];

/// Prefixes that any name may follow: variable families of nginx and of its modules.
const FAMILIES: &[&str] = &[
    "arg_",
    "cookie_",
    "http_",
    "proxy_protocol_tlv_",
    "sent_http_",
    "sent_trailer_",
    "upstream_cookie_",
    "upstream_http_",
    "upstream_trailer_",
];

/// Variables that exist only if something in the whole configuration asks for them, sorted (section 2.8, B5).
const CONDITIONAL: &[(&str, Condition)] = &[
    ("auth_cookie", Condition::ExternalAuth),
    ("auth_keepalive_share_vars", Condition::AuthKeepalive),
    ("auth_path", Condition::AuthKeepalive),
    ("auth_response_headers", Condition::AuthKeepalive),
    ("block_ref", Condition::Setting),
    ("block_ua", Condition::Setting),
    ("brotli_ratio", Condition::Setting),
    ("cache_key", Condition::AuthCacheKey),
    ("cors", Condition::Cors),
    ("escaped_request_uri", Condition::AuthSignin),
    ("forwarded_for_proxy_protocol", Condition::Setting),
    ("full_x_forwarded_for", Condition::Setting),
    ("global_rate_limit_exceeding", Condition::Former),
    ("redirect_to", Condition::WwwRedirect),
    ("slice_range", Condition::Former),
    ("subdomain", Condition::WildcardHost),
    ("target", Condition::ExternalAuth),
    ("the_real_ip", Condition::Former),
    ("tmp_cache_key", Condition::AuthCacheKey),
];

/// As [`CONDITIONAL`], for every name with this prefix. The names of `limit_` and `allowlist_` are generated.
const CONDITIONAL_FAMILIES: &[(&str, Condition)] = &[
    ("allowlist_", Condition::Former),
    ("authheader", Condition::AuthResponseHeaders),
    ("geoip2_", Condition::Setting),
    ("geoip_", Condition::Former),
    ("limit_", Condition::Former),
    ("opentelemetry_", Condition::OpenTelemetry),
    ("opentracing_context_", Condition::Former),
    ("whitelist_", Condition::Former),
];

/// The condition under which a variable exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Some location has `auth-url`.
    ExternalAuth,
    /// Some location has `auth-url` and `auth-keepalive`.
    AuthKeepalive,
    /// Some location has `auth-url` and `auth-cache-key`.
    AuthCacheKey,
    /// Some location has `auth-url` and `auth-response-headers`.
    AuthResponseHeaders,
    /// Some location has `auth-url` and `auth-signin`.
    AuthSignin,
    /// Some location has `enable-cors`.
    Cors,
    /// Some location has `enable-opentelemetry`, or the ConfigMap enables it.
    OpenTelemetry,
    /// Some host has `from-to-www-redirect`.
    WwwRedirect,
    /// Some host is a wildcard.
    WildcardHost,
    /// A key of the ConfigMap asks for it.
    Setting,
    /// Only controllers before `WITHOUT_FORMER` have it.
    Former,
}

impl fmt::Display for Condition {
    /// Writes what must exist, e.g. `an Ingress with auth-url`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let annotation = match self {
            Self::ExternalAuth => "auth-url",
            Self::AuthKeepalive => "auth-keepalive",
            Self::AuthCacheKey => "auth-cache-key",
            Self::AuthResponseHeaders => "auth-response-headers",
            Self::AuthSignin => "auth-signin",
            Self::Cors => "enable-cors",
            Self::OpenTelemetry => "enable-opentelemetry",
            Self::WwwRedirect => "from-to-www-redirect",
            Self::WildcardHost => return f.write_str("an Ingress with a wildcard host"),
            Self::Setting => return f.write_str("a key of the ConfigMap"),
            Self::Former => return f.write_str("an older controller"),
        };
        write!(f, "an Ingress with {annotation}")
    }
}

/// The first version that was run without the variables of [`Condition::Former`].
pub(crate) const WITHOUT_FORMER: Version = Version::new(1, 15, 0);

impl Condition {
    /// Returns the condition under which a variable exists; `None`: it always exists, or never.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if is_variable(&name) {
            return None;
        }
        let named = CONDITIONAL.binary_search_by(|(known, _)| (*known).cmp(&*name)).ok().map(|at| CONDITIONAL[at].1);
        let family = || CONDITIONAL_FAMILIES.iter().find(|(prefix, _)| name.starts_with(prefix));
        named.or_else(|| family().map(|(_, condition)| *condition))
    }

    /// Returns whether an Ingress satisfies it.
    #[must_use]
    pub fn is_met_by(self, ingress: &Ingress) -> bool {
        let annotations = NginxAnnotations::of(ingress);
        let with_auth = |name: &str| annotations.accepted("auth-url").is_some() && annotations.accepted(name).is_some();
        match self {
            Self::ExternalAuth => annotations.accepted("auth-url").is_some(),
            Self::AuthKeepalive => with_auth("auth-keepalive"),
            Self::AuthCacheKey => with_auth("auth-cache-key"),
            Self::AuthResponseHeaders => with_auth("auth-response-headers"),
            Self::AuthSignin => with_auth("auth-signin"),
            Self::Cors => annotations.enables("enable-cors"),
            Self::OpenTelemetry => annotations.enables("enable-opentelemetry"),
            Self::WwwRedirect => annotations.redirects_www(),
            Self::WildcardHost if annotations.is_canary() => false,
            Self::WildcardHost => ingress.rules.iter().any(|rule| matches!(rule.host, Host::Wildcard(_))),
            Self::Setting | Self::Former => false,
        }
    }
}

/// Returns whether the template sets a variable in locations only: it is empty in the block of a server.
pub(crate) fn is_set_in_locations(name: &str) -> bool {
    const ELSEWHERE: [&str; 5] = ["connection_upgrade", "literal_dollar", "loggable", "proxy_upstream_name", "req_id"];
    let name = name.to_ascii_lowercase();
    let of_locations = || {
        let condition = Condition::of(&name);
        condition.is_some_and(|it| !matches!(it, Condition::Setting | Condition::Former | Condition::WildcardHost))
    };
    (OF_TEMPLATE.binary_search(&&*name).is_ok() && !ELSEWHERE.contains(&&*name)) || of_locations()
}

/// The names of variables that are not of a family, for suggestions.
pub fn variable_names() -> impl Iterator<Item = &'static str> {
    OF_NGINX.iter().chain(OF_TEMPLATE).copied()
}

/// A part of a text with variables that nginx rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unknown<'a> {
    /// `$name` without a variable of that name.
    Variable(&'a str),
    /// A `$` without a name after it.
    Stray,
}

/// Returns the parts of a text that nginx rejects; `is_known` says which names
/// are variables beyond those of nginx and the controller's template. Captures are none.
pub fn unknown_variables(text: &str, is_known: impl Fn(&str) -> bool) -> impl Iterator<Item = Unknown<'_>> {
    pieces(text).filter_map(move |piece| match piece {
        Piece::Variable("") => Some(Unknown::Stray),
        Piece::Variable(name) if !is_variable(name) && !is_known(name) => Some(Unknown::Variable(name)),
        Piece::Variable(_) | Piece::Capture(_) | Piece::Literal(_) => None,
    })
}

/// Whether no group of a pattern may have this name: "the duplicate variable" (section 2.8, B10).
pub(crate) fn is_no_name_for_a_group(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let has = |list: &[&str]| list.binary_search(&&*name).is_ok();
    has(OF_NGINX) && !has(MAY_BE_SET) && !name.starts_with("ssl_")
}

/// Returns whether nginx has a variable of this name, always or under some condition.
#[must_use]
pub fn is_nginx_variable(name: &str) -> bool {
    is_variable(name) || Condition::of(name).is_some()
}

/// nginx looks names up without case.
fn is_variable(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let has = |list: &[&str]| list.binary_search(&&*name).is_ok();
    has(OF_NGINX) || has(OF_TEMPLATE) || FAMILIES.iter().any(|family| name.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        for list in [OF_NGINX, MAY_BE_SET, OF_TEMPLATE, FAMILIES] {
            assert!(list.is_sorted());
        }
        assert!(MAY_BE_SET.iter().all(|name| OF_NGINX.contains(name)));
        assert!(CONDITIONAL.is_sorted_by_key(|(name, _)| *name));
        assert!(CONDITIONAL.iter().all(|(name, _)| !is_variable(name)));
    }

    #[test]
    fn some_variables_exist_under_a_condition() {
        for (name, condition) in [
            ("Auth_Cookie", Some(Condition::ExternalAuth)),
            ("limit_app", Some(Condition::Former)),
            ("limit_rate", None),
            ("geoip2_city", Some(Condition::Setting)),
            ("ssl_redirect", None),
            ("tenant", None),
        ] {
            assert_eq!(Condition::of(name), condition, "{name}");
        }
    }

    #[test]
    fn variables_are_read_as_nginx_reads_them() {
        let unknown = |text| unknown_variables(text, |name| name == "tenant").collect::<Vec<_>>();
        for text in ["/$1/$2", "/$10", "$uri", "/$HOST/${request_id}", "/$http_x_any/$arg_a", "/$tenant", "", "/plain"]
        {
            assert_eq!(unknown(text), [], "{text}");
        }
        assert_eq!(unknown("/$tenat/$1"), [Unknown::Variable("tenat")]);
        assert_eq!(unknown("/$0"), [Unknown::Variable("0")]);
        assert_eq!(unknown("/$/a$"), [Unknown::Stray, Unknown::Stray]);
        assert_eq!(unknown("/$-a"), [Unknown::Stray]);
    }
}
