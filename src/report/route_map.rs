//! The route map in the JSON report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Backend;
use crate::routing::{CertificateState, HostRoutes, LinkStatus, Route, RouteMap};

/// A host of one controller.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HostEntry {
    /// The host; `*` stands for every host without an entry.
    pub host: String,
    /// The controller's name, or `some controller`, `no controller` or `unknown controller`.
    pub controller: String,
    /// The certificate that HTTPS clients get.
    pub certificate: CertificateEntry,
    /// The paths, longest first. Of equal paths, the one in effect is first.
    pub paths: Vec<PathEntry>,
}

/// The certificate of a host.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CertificateEntry {
    /// `holds` (clients accept it), `unseen` (unknown) or `broken`.
    pub standing: &'static str,
    /// The state in words.
    pub detail: String,
    /// `namespace/name` of its Secret.
    pub secret: Option<String>,
    /// The end of its validity, in RFC 3339.
    pub ends: Option<String>,
}

/// One path of one Ingress.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PathEntry {
    /// The path; `null` for requests that match no path.
    pub path: Option<String>,
    /// The type of matching: `Exact`, `Prefix`, `ImplementationSpecific` or `regex`.
    pub match_type: Option<&'static str>,
    /// `namespace/name` of the Ingress.
    pub ingress: String,
    /// The Service in the namespace of the Ingress; `null` for a resource backend.
    pub service: Option<String>,
    /// The number or name of its port.
    pub port: Option<String>,
    /// `holds`, `unseen` (unknown) or `broken`.
    pub standing: &'static str,
    /// The result of its requests in words.
    pub detail: String,
}

/// Returns every host of a route map.
#[must_use]
pub fn hosts(map: &RouteMap<'_>) -> Vec<HostEntry> {
    map.hosts.iter().map(HostEntry::of).collect()
}

impl HostEntry {
    fn of(of: &HostRoutes<'_>) -> Self {
        let certificate = &of.certificate;
        let ends = match certificate.state {
            CertificateState::Valid(at) | CertificateState::Expired(at) => Some(at.to_string()),
            _ => None,
        };
        let secret = certificate.ingress.zip(certificate.secret);
        let secret = secret.map(|(ingress, secret)| format!("{}/{secret}", ingress.meta.key.namespace));
        Self {
            host: of.host.to_string(),
            controller: of.controller().to_owned(),
            certificate: CertificateEntry {
                standing: word(certificate.status()),
                detail: certificate.state.to_string(),
                secret,
                ends,
            },
            paths: of.routes.iter().map(|route| PathEntry::of(of, route)).collect(),
        }
    }
}

impl PathEntry {
    fn of(of: &HostRoutes<'_>, route: &Route<'_>) -> Self {
        let (service, port) = match route.backend {
            Backend::Service { name, port } => (Some(name.to_string()), port.as_ref()),
            Backend::Resource => (None, None),
        };
        Self {
            path: route.at.map(|at| at.path.routed().to_owned()),
            match_type: match_type(route),
            ingress: route.ingress.meta.key.to_string(),
            service,
            port: port.map(|port| port.to_string().trim_matches('"').to_owned()),
            standing: word(of.status(route)),
            detail: of.detail(route),
        }
    }
}

/// The type of matching; `None` for requests that match no path.
pub(super) fn match_type(route: &Route<'_>) -> Option<&'static str> {
    let at = route.at?;
    Some(if route.is_regex { "regex" } else { at.path.path_type.name() })
}

fn word(standing: LinkStatus) -> &'static str {
    match standing {
        LinkStatus::Ok => "holds",
        LinkStatus::Unknown => "unseen",
        LinkStatus::Broken => "broken",
    }
}
