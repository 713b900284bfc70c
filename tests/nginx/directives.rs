//! The directives of a location whose values are those of annotations, as in the template of ingress-nginx (v1.15).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::controller::{Configuration, Location, Source};

/// The variables that the template sets in every location.
pub(crate) const VARIABLES: &str = "set $namespace x;\nset $ingress_name x;\nset $service_name x;\nset $service_port x;\n\
    set $force_ssl_redirect false;\nset $ssl_redirect true;\nset $force_no_ssl_redirect false;\n\
    set $preserve_trailing_slash false;\nset $use_port_in_redirects false;\nset $balancer_ewma_score -1;\n\
    set $proxy_upstream_name x;\nset $proxy_host x;\nset $pass_access_scheme $scheme;\nset $pass_server_port 80;\n\
    set $best_http_host $http_host;\nset $pass_port 80;\nset $proxy_alternative_upstream_name \"\";\n";

const LIMITS: [&str; 3] = ["limit-rps", "limit-rpm", "limit-connections"];

/// The name of the upstream that stands for the source of an answer.
pub(crate) fn upstream(source: Source) -> &'static str {
    match source {
        Source::Own | Source::Fallback => "echo",
        Source::Nothing | Source::ErrorPage => "nothing",
    }
}

/// `buildRateLimitZones`
pub(crate) fn zones(configuration: &Configuration, name: usize) -> String {
    let locations = configuration.servers.iter().flat_map(|server| &server.locations);
    let zones = locations.flat_map(|location| {
        let limits = LIMITS.iter().filter_map(|limit| Some((*limit, location.annotations.value(limit)?)));
        limits.map(|(limit, value)| match limit {
            "limit-rps" => {
                format!("limit_req_zone $remote_addr zone={}:32k rate={value}r/s;\n", zone(location, limit, name))
            }
            "limit-rpm" => {
                format!("limit_req_zone $remote_addr zone={}:32k rate={value}r/m;\n", zone(location, limit, name))
            }
            _ => format!("limit_conn_zone $remote_addr zone={}:32k;\n", zone(location, limit, name)),
        })
    });
    zones.collect::<BTreeSet<String>>().into_iter().collect()
}

fn zone(location: &Location, limit: &str, name: usize) -> String {
    format!("{limit}-{name}-{}", location.ingress.unwrap_or_default())
}

/// What stands beside a location even if it answers 503: the locations for authentication, mirrors and error pages.
pub(crate) fn beside_location(location: &Location, at: usize, headers: &str, text: &mut String) {
    let Location { annotations, .. } = location;
    if let (Some(target), Some(host)) = (annotations.value("mirror-target"), mirror_host(location)) {
        let _ = writeln!(
            text,
            "location = /_mirror-{at} {{\ninternal;\nproxy_set_header Host {host};\nset $mirrored {target};\n\
             proxy_pass http://echo;\n}}"
        );
    }
    if !annotations.errors.is_empty() {
        let _ = writeln!(
            text,
            "location @errors{at} {{\ninternal;\n{headers}proxy_intercept_errors off;\nrewrite (.*) / break;\n\
             proxy_pass http://not_found;\n}}"
        );
    }
    let Some(url) = annotations.value("auth-url") else { return };
    let _ = writeln!(text, "location = /_external-auth-{at} {{\ninternal;");
    if let Some(key) = annotations.value("auth-cache-key") {
        let _ = writeln!(text, "set $tmp_cache_key '{key}';\nset $cache_key '';");
    }
    if let Some(method) = annotations.value("auth-method") {
        let _ = writeln!(text, "proxy_method {method};");
    }
    let redirect = annotations.value("auth-request-redirect").unwrap_or("$request_uri");
    let _ = writeln!(text, "proxy_set_header X-Auth-Request-Redirect {redirect};");
    sizes(location, text);
    let _ = writeln!(text, "set $target \"{url}\";\nproxy_pass http://echo;\n}}");
    if let Some(url) = annotations.value("auth-signin").filter(|_| !annotations.is_denied) {
        let _ = writeln!(
            text,
            "location @signin{at} {{\ninternal;\nadd_header Set-Cookie $auth_cookie;\n\
             return 302 {url}?rd=$pass_access_scheme://$http_host$escaped_request_uri;\n}}"
        );
    }
}

/// The host of `mirror-target`, unless `mirror-host` gives one.
fn mirror_host(location: &Location) -> Option<&str> {
    let own = location.annotations.value("mirror-host");
    let target = location.annotations.value("mirror-target")?;
    own.or_else(|| target.split("://").nth(1)?.split('/').next())
}

/// What stands in a location that does not answer 503.
pub(crate) fn in_location(location: &Location, at: usize, name: usize, text: &mut String) {
    let Location { annotations, .. } = location;
    let value = |name: &str| annotations.value(name);
    if value("mirror-target").is_some() {
        let _ = writeln!(text, "mirror /_mirror-{at};");
    }
    if value("enable-cors").is_some() {
        text.push_str("set $cors 'true';\n");
    }
    if value("auth-url").is_some() {
        let _ = writeln!(text, "auth_request /_external-auth-{at};");
        text.push_str("auth_request_set $auth_cookie $upstream_http_set_cookie;\n");
        for (number, header) in value("auth-response-headers").unwrap_or_default().split(", ").enumerate() {
            if !header.is_empty() {
                let variable = header.to_lowercase().replace('-', "_");
                let _ = writeln!(text, "auth_request_set $authHeader{number} $upstream_http_{variable};");
                let _ = writeln!(text, "proxy_set_header '{header}' $authHeader{number};");
            }
        }
    }
    if value("auth-signin").is_some() {
        let _ = writeln!(text, "set $escaped_request_uri $request_uri;\nerror_page 401 = @signin{at};");
    }
    let burst: i64 = value("limit-burst-multiplier").and_then(|value| value.parse().ok()).unwrap_or(5);
    for limit in LIMITS {
        let Some(most) = value(limit).and_then(|value| value.parse::<i64>().ok()) else { continue };
        let zone = zone(location, limit, name);
        let _ = match limit {
            "limit-connections" => writeln!(text, "limit_conn {zone} {most};"),
            _ => writeln!(text, "limit_req zone={zone} burst={} nodelay;", most * burst),
        };
    }
    let _ = writeln!(text, "proxy_set_header Host {};", quoted(value("upstream-vhost").unwrap_or("$best_http_host")));
    // That of `echo` must stay empty.
    let _ = writeln!(text, "proxy_set_header Connection \"\";");
    for (directive, annotation, default) in [
        ("proxy_connect_timeout", "proxy-connect-timeout", "5"),
        ("proxy_send_timeout", "proxy-send-timeout", "60"),
        ("proxy_read_timeout", "proxy-read-timeout", "60"),
    ] {
        let _ = writeln!(text, "{directive} {}s;", value(annotation).unwrap_or(default));
    }
    sizes(location, text);
    if let Some(size) = value("proxy-max-temp-file-size") {
        let _ = writeln!(text, "proxy_max_temp_file_size {size};");
    }
    for (directive, annotation, default) in [
        ("proxy_cookie_path", "proxy-cookie-path", "off"),
        ("proxy_next_upstream_timeout", "proxy-next-upstream-timeout", "0"),
        ("proxy_next_upstream_tries", "proxy-next-upstream-tries", "3"),
    ] {
        let _ = writeln!(text, "{directive} {};", value(annotation).unwrap_or(default));
    }
    if location.annotations.errors.is_empty() {
        return;
    }
    text.push_str("proxy_intercept_errors on;\n");
    for code in &location.annotations.errors {
        let _ = writeln!(text, "error_page {code} = @errors{at};");
    }
}

/// The sizes, which the location for authentication has too.
fn sizes(location: &Location, text: &mut String) {
    let value = |name: &str| location.annotations.value(name);
    let size = value("proxy-buffer-size").unwrap_or("4k");
    let number = value("proxy-buffers-number").unwrap_or("4");
    let _ = writeln!(text, "proxy_buffer_size {size};\nproxy_buffers {number} {size};");
    if let Some(busy) = value("proxy-busy-buffers-size") {
        let _ = writeln!(text, "proxy_busy_buffers_size {busy};");
    }
    let _ = writeln!(text, "client_max_body_size {};", value("proxy-body-size").unwrap_or("1m"));
    if let Some(size) = value("client-body-buffer-size") {
        let _ = writeln!(text, "client_body_buffer_size {size};");
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
