//! ExternalName Services that ingress-nginx cannot use: section 4.4.

use core::net::IpAddr;

use super::cluster_name::service_of_name;
use crate::cluster::ClusterView;
use crate::model::{PortRef, Service, ServiceType, TargetPort};
use crate::routing::controller::{Controller, ControllerFamily};

/// Why ingress-nginx has no endpoint for an ExternalName (section 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalNameFault {
    /// `localhost` or a loopback address, which is the controller's own pod.
    Loopback,
    /// Another IP address: the resolver at run time accepts DNS names only.
    Address,
    /// Not a valid DNS name.
    NoName,
    /// The name of a Service that does not exist.
    NoService,
    /// The controller's settings disable ExternalName Services.
    Refused,
}

impl ExternalNameFault {
    /// Returns the problem of a name itself, if it has one.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Some(Self::Loopback),
            Ok(_) => Some(Self::Address),
            Err(_) if name == "localhost" => Some(Self::Loopback),
            Err(_) => (!is_dns_name(name.strip_suffix('.').unwrap_or(name))).then_some(Self::NoName),
        }
    }
}

/// Returns whether a name is a DNS subdomain (RFC 1123) by Kubernetes' `IsDNS1123Subdomain`.
fn is_dns_name(name: &str) -> bool {
    let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let ends = label.bytes().next().zip(label.bytes().next_back());
        ends.is_some_and(|(first, last)| is_end(first) && is_end(last))
            && label.bytes().all(|byte| is_end(byte) || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

impl Controller<'_> {
    /// Returns whether ingress-nginx connects to port 0 of an ExternalName: it uses the `targetPort` as a number, and a name has
    /// none. A number that the Service does not have is used as it is (section 4.4).
    #[must_use]
    pub fn dials_port_zero(&self, service: &Service, wanted: &PortRef) -> bool {
        let is_zero = match (service.ports.iter().find(|port| port.answers_to(wanted)), wanted) {
            (Some(port), _) => matches!(port.target, TargetPort::Name(_)),
            (None, PortRef::Name(_)) => true,
            (None, PortRef::Number(_)) => false,
        };
        is_zero && self.dialect.family == ControllerFamily::Nginx && service.kind == ServiceType::ExternalName
    }

    /// Returns why the controller certainly has no endpoint for an ExternalName. Only ingress-nginx is known to reject any
    /// (section 4.4). Reads Services.
    #[must_use]
    pub fn external_name_fault(&self, name: &str, view: &ClusterView<'_>) -> Option<ExternalNameFault> {
        if self.dialect.family != ControllerFamily::Nginx {
            return None;
        }
        let refuses = || self.dialect.refuses_external_names().then_some(ExternalNameFault::Refused);
        let is_absent = |(namespace, service): (&str, &str)| view.service(namespace, service).is_absent();
        let no_service = || service_of_name(name).is_some_and(is_absent).then_some(ExternalNameFault::NoService);
        ExternalNameFault::of(name).or_else(refuses).or_else(no_service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_names_are_names_of_others() {
        use ExternalNameFault::{Address, Loopback, NoName};
        for name in
            ["legacy.example.net", "legacy.example.net.", "web", "localhost.example.net", "1.2.3.example", "a-b"]
        {
            assert_eq!(ExternalNameFault::of(name), None, "{name}");
        }
        for (name, fault) in [
            ("localhost", Loopback),
            ("127.0.0.1", Loopback),
            ("127.1.2.3", Loopback),
            ("::1", Loopback),
            ("192.0.2.7", Address),
            ("2001:db8::7", Address),
            ("", NoName),
            (".", NoName),
            ("a..b", NoName),
            ("a.b..", NoName),
            ("a_b.example.net", NoName),
            ("-a.example.net", NoName),
            ("Legacy.example.net", NoName),
            ("https://legacy.example.net", NoName),
            ("*.example.net", NoName),
        ] {
            assert_eq!(ExternalNameFault::of(name), Some(fault), "{name}");
        }
    }
}
