//! The service that external authentication asks before each request: sections 0 and 7.2.

use super::cluster_name::service_of_name;
use crate::cluster::{ClusterView, Lookup};
use crate::model::{PortRef, ServiceType};

/// A URL of an annotation of external authentication, as far as routing needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthUrl<'a> {
    /// Whether the scheme is https.
    pub is_https: bool,
    /// The host without the port; it may be an nginx variable.
    pub host: &'a str,
    /// The port, if it is set.
    pub port: Option<i32>,
    /// The path, without the query.
    pub path: &'a str,
}

/// Why the service of external authentication cannot answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthServiceFault<'a> {
    /// The namespace of the Service.
    pub namespace: &'a str,
    /// The Service.
    pub service: &'a str,
    /// The port that the Service does not have; `None`: the Service does not exist.
    pub port: Option<i32>,
}

impl<'a> AuthUrl<'a> {
    /// Parses a URL with scheme and host.
    #[must_use]
    pub fn parse(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (authority, None),
        };
        let path = target.split(['?', '#']).next().filter(|path| !path.is_empty()).unwrap_or("/");
        (!host.is_empty()).then_some(Self { is_https, host, port, path })
    }

    /// Returns the port that nginx connects to.
    #[must_use]
    pub fn dialled(&self) -> i32 {
        self.port.unwrap_or(if self.is_https { 443 } else { 80 })
    }
}

impl<'a> AuthServiceFault<'a> {
    /// Returns why a URL of external authentication certainly has no answer: its host is the name of a Service that does not exist,
    /// or that does not have the port. Every request then returns 500 (section 0). Reads Services.
    #[must_use]
    pub fn of(url: &'a str, view: &ClusterView<'_>) -> Option<Self> {
        let url = AuthUrl::parse(url)?;
        let (namespace, service) = service_of_name(url.host)?;
        match view.service(namespace, service) {
            Lookup::Absent => Some(Self { namespace, service, port: None }),
            // The address of a headless Service is that of its pods, and they may listen on any port.
            Lookup::Found(found) if found.kind == ServiceType::Cluster => {
                let port = url.dialled();
                let has = found.ports.iter().any(|has| has.answers_to(&PortRef::Number(port)));
                (!has).then_some(Self { namespace, service, port: Some(port) })
            }
            Lookup::Found(_) | Lookup::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_annotations_are_split() {
        let parsed = |url| AuthUrl::parse(url).map(|url| (url.host, url.dialled(), url.path));
        assert_eq!(parsed("http://auth.sso.svc:4180/oauth2/auth?x=/y"), Some(("auth.sso.svc", 4180, "/oauth2/auth")));
        assert_eq!(parsed("https://$host/oauth2/start?rd=$escaped_request_uri"), Some(("$host", 443, "/oauth2/start")));
        assert_eq!(parsed("http://auth.test"), Some(("auth.test", 80, "/")));
        for url in ["auth.test", "http://", "http://auth.test:x/", "/oauth2"] {
            assert_eq!(parsed(url), None, "{url}");
        }
    }
}
