//! Hosts of rules and TLS entries.

use std::net::IpAddr;

use super::fault::Faults;
use super::names::{is_subdomain, subdomain, wildcard_subdomain};
use super::node::Node;

/// A host of a rule or a TLS entry: a DNS name, or one below `*.`.
pub(super) fn validate_host(host: &Node<'_>, faults: &mut Faults) {
    let text = host.text();
    let problems = if text.contains('*') { wildcard_subdomain(text) } else { subdomain(text) };
    for problem in problems {
        faults.invalid(host, problem).help(host_help(text));
    }
}

/// Returns what to write in place of a host with a scheme, a port, a path, capitals or a dot at its end.
fn host_help(text: &str) -> String {
    let name = text.split_once("://").map_or(text, |(_, rest)| rest);
    let name = name.split(['/', ':', '?']).next().unwrap_or_default().trim().trim_end_matches('.').to_lowercase();
    if name != text && is_subdomain(name.strip_prefix("*.").unwrap_or(&name)) && !is_ip(&name) {
        return format!("use {name:?}");
    }
    if text.contains('*') {
        return if text == "*" {
            "remove host: the rule then applies to all hosts"
        } else {
            "only the first label may be *, such as *.example.com"
        }
        .to_owned();
    }
    String::new()
}

/// Whether Go parses a text as an IP address, with zeros before the parts of an IPv4 address.
pub(super) fn is_ip(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part
                .trim_start_matches('0')
                .parse::<u32>()
                .map_or(part.bytes().all(|byte| byte == b'0'), |part| part <= 255)
    };
    text.parse::<IpAddr>().is_ok() || (text.split('.').count() == 4 && text.split('.').all(is_part))
}
