//! The addresses that a user names: `HOST[:PORT]`, for HTTP and HTTPS.

use std::net::Ipv6Addr;
use std::str::FromStr;

use thiserror::Error;

use crate::routing::Scheme;

/// A host name or address, and a port.
pub type Endpoint = (String, u16);

/// The addresses for HTTP and HTTPS. Without one, requests of this scheme are not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Via {
    /// That of HTTP requests.
    pub http: Option<Endpoint>,
    /// That of HTTPS requests.
    pub https: Option<Endpoint>,
}

/// The reason why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not an address; use HOST, HOST:PORT, http://HOST:PORT or https://HOST:PORT")]
pub struct ViaError(String);

impl FromStr for Via {
    type Err = ViaError;

    /// Without a scheme, a port is that of HTTP, and 443 that of HTTPS. A host alone has ports 80 and 443.
    fn from_str(text: &str) -> Result<Self, ViaError> {
        let wrong = || ViaError(text.to_owned());
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => (Some(Scheme::Http), rest),
            Some(("https", rest)) => (Some(Scheme::Https), rest),
            Some(_) => return Err(wrong()),
            None => (None, text),
        };
        let (host, port) = split(rest.strip_suffix('/').unwrap_or(rest)).ok_or_else(wrong)?;
        let is_name =
            |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        if !is_name(host) && host.parse::<Ipv6Addr>().is_err() {
            return Err(wrong());
        }
        let at = |port: u16| Some((host.to_owned(), port));
        Ok(match (scheme, port) {
            (Some(Scheme::Http), port) => Self { http: at(port.unwrap_or(80)), https: None },
            (Some(Scheme::Https), port) => Self { http: None, https: at(port.unwrap_or(443)) },
            (None, None) => Self { http: at(80), https: at(443) },
            (None, Some(443)) => Self { http: None, https: at(443) },
            (None, Some(port)) => Self { http: at(port), https: None },
        })
    }
}

impl Via {
    /// Returns the addresses of several texts; `None` if there are none. A later one replaces an earlier one.
    #[must_use]
    pub fn merged(several: &[Self]) -> Option<Self> {
        let mut merged = several.first()?.clone();
        for Self { http, https } in &several[1..] {
            merged.http = http.clone().or(merged.http);
            merged.https = https.clone().or(merged.https);
        }
        Some(merged)
    }

    /// Returns that of a scheme.
    #[must_use]
    pub fn endpoint(&self, scheme: Scheme) -> Option<&Endpoint> {
        match scheme {
            Scheme::Http => self.http.as_ref(),
            Scheme::Https => self.https.as_ref(),
        }
    }
}

/// Host and port; an IPv6 address with a port is in brackets.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return match port.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => port.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok().filter(|port| *port > 0)?))),
        None => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_port_for_each_scheme() {
        let at = |host: &str, port: u16| Some((host.to_owned(), port));
        for (text, http, https) in [
            ("lb.example.com", at("lb.example.com", 80), at("lb.example.com", 443)),
            ("203.0.113.7:8080", at("203.0.113.7", 8080), None),
            ("203.0.113.7:443", None, at("203.0.113.7", 443)),
            ("http://127.0.0.1:8080/", at("127.0.0.1", 8080), None),
            ("https://127.0.0.1:8443", None, at("127.0.0.1", 8443)),
            ("https://lb", None, at("lb", 443)),
            ("2001:db8::1", at("2001:db8::1", 80), at("2001:db8::1", 443)),
            ("[2001:db8::1]:8080", at("2001:db8::1", 8080), None),
        ] {
            assert_eq!(text.parse(), Ok(Via { http, https }), "{text}");
        }
        for text in ["", ":80", "ftp://a", "a:0", "a:x", "a:99999", "http://", "a b", "http://a/b", "[::1"] {
            assert!(text.parse::<Via>().is_err(), "{text}");
        }
        let both = ["http://a:1", "https://b:2"].map(|text| text.parse().unwrap());
        assert_eq!(Via::merged(&both), Some(Via { http: at("a", 1), https: at("b", 2) }));
        assert_eq!(Via::merged(&[]), None);
    }
}
