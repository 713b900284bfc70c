//! The route map as a part of the report: what programs read of it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Backend;
use crate::routing::{CertificateState, HostRoutes, LinkStatus, Route, RouteMap};

/// A host as one controller has it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HostEntry {
    /// The host; `*`: every host that no other entry has.
    pub host: String,
    /// The controller's name, or what is known of it.
    pub controller: String,
    /// What HTTPS answers with.
    pub certificate: CertificateEntry,
    /// Its paths, the longest first; of equal ones that which counts.
    pub paths: Vec<PathEntry>,
}

/// The certificate of a host.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CertificateEntry {
    /// Whether browsers take it.
    pub standing: &'static str,
    /// In words.
    pub detail: String,
    /// `namespace/name` of its Secret.
    pub secret: Option<String>,
    /// When it ends, in RFC 3339.
    pub ends: Option<String>,
}

/// One path of one Ingress.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PathEntry {
    /// The path; `null`: whatever no path takes.
    pub path: Option<String>,
    /// How it is matched: `Exact`, `Prefix`, `ImplementationSpecific` or `regex`.
    pub match_type: Option<&'static str>,
    /// `namespace/name` of the Ingress.
    pub ingress: String,
    /// The Service in the namespace of the Ingress; `null`: another resource.
    pub service: Option<String>,
    /// Number or name of its port.
    pub port: Option<String>,
    /// `holds`, `unseen` (nobody can tell) or `broken`.
    pub standing: &'static str,
    /// What becomes of requests for it, in words.
    pub detail: String,
}

/// Every host of a map.
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
            paths: of.routes.iter().map(PathEntry::of).collect(),
        }
    }
}

impl PathEntry {
    fn of(route: &Route<'_>) -> Self {
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
            standing: word(route.status()),
            detail: route.outcome.to_string(),
        }
    }
}

/// How a path is matched; `None`: it stands for whatever no path takes.
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
