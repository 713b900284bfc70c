//! The JSON of an Ingress, parsed as leniently as Go does.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::meta::IngressLabels;
use super::placeholder::is_placeholder;
use super::service::PortRef;
use super::{Backend, Host, Ingress, Meta, Path, PathType, Rule, TlsEntry, lax, meta};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(deserialize_with = "lax::null")]
    spec: WireSpec,
    #[serde(deserialize_with = "lax::null")]
    status: WireStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WireSpec {
    ingress_class_name: Option<Box<str>>,
    default_backend: Option<WireBackend>,
    #[serde(deserialize_with = "lax::null")]
    tls: Vec<WireTls>,
    #[serde(deserialize_with = "lax::null")]
    rules: Vec<WireRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireTls {
    #[serde(deserialize_with = "lax::null")]
    hosts: Vec<Box<str>>,
    #[serde(deserialize_with = "lax::null")]
    secret_name: Box<str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireRule {
    #[serde(deserialize_with = "lax::null")]
    host: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    http: WireHttp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireHttp {
    #[serde(deserialize_with = "lax::null")]
    paths: Vec<WirePath>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WirePath {
    #[serde(deserialize_with = "lax::null")]
    path: Box<str>,
    #[serde(deserialize_with = "lax::parsed")]
    path_type: PathType,
    #[serde(deserialize_with = "lax::null")]
    backend: WireBackend,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireBackend {
    service: Option<WireService>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireService {
    #[serde(deserialize_with = "lax::null")]
    name: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    port: WirePort,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WirePort {
    #[serde(deserialize_with = "lax::null")]
    name: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    number: PortNumber,
}

/// `port.number`: a number, or a placeholder of a file.
#[derive(Debug)]
enum PortNumber {
    Number(i32),
    Placeholder(Box<str>),
}

impl Default for PortNumber {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl<'de> Deserialize<'de> for PortNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfPort;
        impl Visitor<'_> for OfPort {
            type Value = PortNumber;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port number")
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<PortNumber, E> {
                let number = i32::try_from(number);
                number.map(PortNumber::Number).map_err(|_| E::custom("a port number has at most 32 bits"))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<PortNumber, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<PortNumber, E> {
                let placeholder = is_placeholder(text).then(|| PortNumber::Placeholder(text.into()));
                placeholder.ok_or_else(|| E::invalid_type(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(OfPort)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WireStatus {
    #[serde(deserialize_with = "lax::null")]
    load_balancer: WireLoadBalancer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireLoadBalancer {
    #[serde(deserialize_with = "lax::null")]
    ingress: Vec<WireAddress>,
}

/// One of `status.loadBalancer.ingress`, which has an address or a name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireAddress {
    #[serde(deserialize_with = "lax::null")]
    ip: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    hostname: Box<str>,
}

impl<'de> Deserialize<'de> for Ingress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Wire::deserialize(deserializer).map(Self::from)
    }
}

impl From<Wire> for Ingress {
    fn from(wire: Wire) -> Self {
        let labels = IngressLabels::of(&wire.metadata);
        let last_write = wire.metadata.last_write();
        Self { last_write, ..Self::from_parts(wire.metadata.into(), labels, wire.spec, wire.status) }
    }
}

impl Ingress {
    pub(super) fn from_parts(meta: Meta, labels: IngressLabels, spec: WireSpec, status: WireStatus) -> Self {
        let mut ingress = Self {
            meta,
            written: None,
            last_write: None,
            is_acme_solver: false,
            annotation_labels: labels.annotations,
            class_label: labels.class,
            class_name: spec.ingress_class_name,
            default_backend: spec.default_backend.map(Backend::from),
            tls: spec.tls.into_iter().map(TlsEntry::from).collect(),
            rules: spec.rules.into_iter().map(Rule::from).collect(),
            addresses: status.load_balancer.ingress.into_iter().map(WireAddress::text).collect(),
        };
        ingress.is_acme_solver = labels.is_solver && ingress.serves_only_acme_challenges();
        ingress
    }
}

impl WireAddress {
    fn text(self) -> Box<str> {
        if self.ip.is_empty() { self.hostname } else { self.ip }
    }
}

impl From<WireTls> for TlsEntry {
    fn from(wire: WireTls) -> Self {
        Self {
            hosts: wire.hosts.iter().map(|host| Host::parse(host)).collect(),
            secret_name: (!wire.secret_name.is_empty()).then_some(wire.secret_name),
        }
    }
}

impl From<WireRule> for Rule {
    fn from(wire: WireRule) -> Self {
        let mut paths: Box<[Path]> = wire.http.paths.into_iter().map(Path::from).collect();
        for at in 1..paths.len() {
            if paths[at].backend == paths[at - 1].backend {
                paths[at].backend = Arc::clone(&paths[at - 1].backend);
            }
        }
        Self { host: Host::parse(&wire.host), paths }
    }
}

impl From<WirePath> for Path {
    fn from(wire: WirePath) -> Self {
        Self { path: wire.path, path_type: wire.path_type, backend: Arc::new(wire.backend.into()) }
    }
}

impl From<&str> for PathType {
    fn from(text: &str) -> Self {
        match text {
            "Exact" => Self::Exact,
            "Prefix" => Self::Prefix,
            _ => Self::ImplementationSpecific,
        }
    }
}

impl From<WireBackend> for Backend {
    fn from(wire: WireBackend) -> Self {
        let Some(WireService { name, port }) = wire.service else { return Self::Resource };
        let port = match (port.name, port.number) {
            (name, _) if !name.is_empty() => Some(PortRef::Name(name)),
            (_, PortNumber::Placeholder(text)) => Some(PortRef::Name(text)),
            (_, PortNumber::Number(0)) => None,
            (_, PortNumber::Number(number)) => Some(PortRef::Number(number)),
        };
        Self::Service { name, port }
    }
}
