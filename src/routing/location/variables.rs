//! nginx variables: which of those that a text uses the controller's nginx does not know. One unknown variable, and it
//! does not load its configuration (section 2.8, B5 and B6).

use super::rewrite::{Piece, pieces};

/// Variables of nginx 1.27 itself with the modules that the controller's image has, sorted: those of upstream's index of
/// variables for these modules; all of them that nginx 1.22 has were tried with it. And those of the geoip2, brotli and
/// OpenTelemetry modules, and of the older images' `GeoIP`.
const OF_NGINX: &[&str] = &[
    "ancient_browser",
    "args",
    "binary_remote_addr",
    "body_bytes_sent",
    "brotli_ratio",
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
    "opentelemetry_context_b3",
    "opentelemetry_context_traceparent",
    "opentelemetry_sampled",
    "opentelemetry_span_id",
    "opentelemetry_trace_id",
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
    "slice_range",
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
    "brotli_ratio",
    "http3",
    "invalid_referer",
    "limit_rate",
    "modern_browser",
    "msie",
    "opentelemetry_context_b3",
    "opentelemetry_context_traceparent",
    "opentelemetry_sampled",
    "opentelemetry_span_id",
    "opentelemetry_trace_id",
    "proxy_host",
    "proxy_port",
    "uid_reset",
    "upstream_queue_time",
];

/// Variables that the controller's template sets somewhere, sorted: nginx then knows them everywhere. `subdomain` is
/// the group of every wildcard host's pattern.
const OF_TEMPLATE: &[&str] = &[
    "auth_cookie",
    "balancer_ewma_score",
    "best_http_host",
    "block_ref",
    "block_ua",
    "cache_key",
    "connection_upgrade",
    "cors",
    "escaped_request_uri",
    "full_x_forwarded_for",
    "global_rate_limit_exceeding",
    "ingress_name",
    "literal_dollar",
    "location_path",
    "loggable",
    "namespace",
    "pass_access_scheme",
    "pass_port",
    "pass_server_port",
    "proxy_alternative_upstream_name",
    "proxy_upstream_name",
    "redirect_to",
    "req_id",
    "service_name",
    "service_port",
    "subdomain",
    "target",
    "the_real_ip",
    "tmp_cache_key",
];

/// Prefixes that any name may follow: variable families of nginx, of its modules and of the template.
const FAMILIES: &[&str] = &[
    "allowlist_",
    "arg_",
    "authheader",
    "cookie_",
    "geoip2_",
    "geoip_",
    "http_",
    "limit_",
    "opentracing_context_",
    "proxy_protocol_tlv_",
    "sent_http_",
    "sent_trailer_",
    "upstream_cookie_",
    "upstream_http_",
    "upstream_trailer_",
    "whitelist_",
];

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
