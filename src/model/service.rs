//! Service: its type, its ports, and the pods that it selects.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::{Labels, Meta, lax, meta};

/// A port reference of a backend. The API server requires exactly one of name and number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PortRef {
    /// `port.name`
    Name(Box<str>),
    /// `port.number`
    Number(i32),
}

impl PortRef {
    /// Returns the port as the Ingress has it, a name without quotes.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::Name(name) => name.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// A Service.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct Service {
    /// Identity and age.
    pub meta: Meta,
    /// The type of the Service.
    pub kind: ServiceType,
    /// The type is NodePort or LoadBalancer: its ports are open on every node.
    pub has_node_ports: bool,
    /// The addresses of `spec.clusterIPs`, which are valid inside the cluster only.
    pub addresses: Box<[Box<str>]>,
    /// `spec.externalName`, empty but for an ExternalName.
    pub external_name: Box<str>,
    /// `spec.selector`: its endpoints are the pods that it selects; without one, they are created manually.
    pub selector: Labels,
    /// `spec.publishNotReadyAddresses`: pods that are not ready receive requests as well.
    pub publishes_not_ready: bool,
    /// The ports, in order: controllers use the first that matches.
    pub ports: Box<[ServicePort]>,
}

/// `spec.type`, as far as checks distinguish types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceType {
    /// ClusterIP, NodePort or LoadBalancer, with an address of its own.
    Cluster,
    /// Headless: no address of its own, only endpoints.
    Headless,
    /// ExternalName: an alias for an external DNS name.
    ExternalName,
}

/// One entry of `spec.ports`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// `name`, which a Service with one port may leave out.
    pub name: Option<Box<str>>,
    /// `port`
    pub number: i32,
    /// `targetPort`; the port number where it is left out, as the API server fills it in.
    pub target: TargetPort,
    /// `protocol`
    pub protocol: Protocol,
    /// `appProtocol` is `https`.
    pub is_https: bool,
}

/// `targetPort`: a number or the name of a container port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetPort {
    /// A port number.
    Number(i32),
    /// The name of a container port.
    Name(Box<str>),
}

/// `protocol` of a Service port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// TCP, the default.
    Tcp,
    /// UDP
    Udp,
    /// SCTP
    Sctp,
}

impl ServicePort {
    /// Whether `wanted` refers to this port by its Service port number or name. A port without a name matches no name, not even
    /// the empty one.
    #[must_use]
    pub fn answers_to(&self, wanted: &PortRef) -> bool {
        match wanted {
            PortRef::Number(number) => self.number == *number,
            PortRef::Name(name) => self.name.as_ref() == Some(name),
        }
    }

    /// Whether `wanted` is this port's `targetPort`.
    #[must_use]
    pub fn targets(&self, wanted: &PortRef) -> bool {
        match (&self.target, wanted) {
            (TargetPort::Number(target), PortRef::Number(number)) => target == number,
            (TargetPort::Name(target), PortRef::Name(name)) => target == name,
            _ => false,
        }
    }
}

impl fmt::Display for ServicePort {
    /// `80 (http)`, or `80` without a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)?;
        match &self.name {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

impl Protocol {
    /// The name as Kubernetes writes it. Unknown values count as TCP, the default.
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "UDP" => Self::Udp,
            "SCTP" => Self::Sctp,
            _ => Self::Tcp,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(deserialize_with = "lax::null")]
    spec: WireSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireSpec {
    #[serde(rename = "type", deserialize_with = "lax::null")]
    kind: Box<str>,
    #[serde(rename = "clusterIP", deserialize_with = "lax::null")]
    cluster_ip: Box<str>,
    #[serde(rename = "clusterIPs", deserialize_with = "lax::null")]
    cluster_ips: Vec<Box<str>>,
    #[serde(rename = "externalName", deserialize_with = "lax::null")]
    external_name: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    selector: Labels,
    #[serde(rename = "publishNotReadyAddresses", deserialize_with = "lax::null")]
    publishes_not_ready: bool,
    #[serde(deserialize_with = "lax::null")]
    ports: Vec<WirePort>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WirePort {
    #[serde(deserialize_with = "lax::null")]
    name: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    port: i32,
    target_port: Option<TargetPort>,
    #[serde(deserialize_with = "lax::null")]
    protocol: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    app_protocol: Box<str>,
}

impl From<Wire> for Service {
    fn from(wire: Wire) -> Self {
        let WireSpec { kind, cluster_ip, cluster_ips, external_name, selector, publishes_not_ready, ports } = wire.spec;
        let has_node_ports = matches!(&*kind, "NodePort" | "LoadBalancer");
        let kind = match (&*kind, &*cluster_ip) {
            ("ExternalName", _) => ServiceType::ExternalName,
            (_, "None") => ServiceType::Headless,
            _ => ServiceType::Cluster,
        };
        let first = Some(cluster_ip).filter(|_| cluster_ips.is_empty());
        let addresses = first.into_iter().chain(cluster_ips).filter(|ip| !matches!(&**ip, "" | "None"));
        Self {
            meta: wire.metadata.into(),
            kind,
            has_node_ports,
            addresses: addresses.collect(),
            external_name: if kind == ServiceType::ExternalName { external_name } else { Box::default() },
            selector,
            publishes_not_ready,
            ports: ports.into_iter().map(ServicePort::from).collect(),
        }
    }
}

impl From<WirePort> for ServicePort {
    fn from(wire: WirePort) -> Self {
        let target = match wire.target_port {
            // Zero and the empty name are Go's zero values: the same as an absent field.
            None | Some(TargetPort::Number(0)) => TargetPort::Number(wire.port),
            Some(TargetPort::Name(name)) if name.is_empty() => TargetPort::Number(wire.port),
            Some(target) => target,
        };
        let protocol = Protocol::parse(&wire.protocol);
        Self {
            name: (!wire.name.is_empty()).then_some(wire.name),
            number: wire.port,
            target,
            protocol,
            is_https: wire.app_protocol.eq_ignore_ascii_case("https"),
        }
    }
}

impl<'de> Deserialize<'de> for TargetPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntOrString;
        impl Visitor<'_> for IntOrString {
            type Value = TargetPort;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port number or name")
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<TargetPort, E> {
                i32::try_from(number).map(TargetPort::Number).map_err(E::custom)
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<TargetPort, E> {
                i32::try_from(number).map(TargetPort::Number).map_err(E::custom)
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<TargetPort, E> {
                // kubectl sends `targetPort: "8080"` as text; the controller compares text with text.
                Ok(name.parse().map_or_else(|_| TargetPort::Name(name.into()), TargetPort::Number))
            }
        }
        deserializer.deserialize_any(IntOrString)
    }
}
