//! What stands behind a Service's port: sections 4.3 and 4.4.

use core::net::IpAddr;

use crate::model::{EndpointSlice, Protocol, ServicePort, TargetPort};

/// How many endpoints stand behind one port of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Endpoints {
    /// Those that take requests.
    pub ready: u32,
    /// Those that do not.
    pub not_ready: u32,
    /// Those of slices that do not have this port at all.
    pub without_port: u32,
}

impl Endpoints {
    /// Those behind a port, as far as any controller would take them for such.
    #[must_use]
    pub fn resolved(port: &ServicePort, slices: &[&EndpointSlice]) -> Self {
        slices.iter().fold(Self::default(), |mut sum, slice| {
            if has_port(slice, port) {
                sum.ready = sum.ready.saturating_add(slice.ready);
                sum.not_ready = sum.not_ready.saturating_add(slice.not_ready);
            } else {
                sum.without_port = sum.without_port.saturating_add(slice.ready).saturating_add(slice.not_ready);
            }
            sum
        })
    }
}

/// Slices made by Kubernetes name their ports as the Service does. ingress-nginx also takes any port for one without a
/// name, and a `targetPort` that is a number for any.
fn has_port(slice: &EndpointSlice, wanted: &ServicePort) -> bool {
    let by_number = matches!(wanted.target, TargetPort::Number(_));
    let wanted = wanted.name.as_deref();
    let mut ports = slice.ports.iter().filter(|port| port.protocol == Protocol::Tcp);
    (by_number && slice.ports.is_empty())
        || ports.any(|port| by_number || wanted.is_none_or(|wanted| *port.name == *wanted))
}

/// How the names of EndpointSlices begin that ingress-nginx takes for those of a Service, whatever their label: with the
/// Service's, or with 57 characters of one that is too long for a generated name.
#[must_use]
pub fn slice_prefix(service: &str) -> &str {
    const GENERATED: usize = 58;
    if service.len() < GENERATED { service } else { service.get(..GENERATED - 1).unwrap_or(service) }
}

/// Whether ingress-nginx takes an EndpointSlice that is labelled as a Service's for one of it.
#[must_use]
pub fn is_named_for(slice: &EndpointSlice, service: &str) -> bool {
    slice.key.name.starts_with(slice_prefix(service))
}

/// Why ingress-nginx finds nobody behind an ExternalName (section 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalNameFault {
    /// `localhost` or a loopback address: the controller's own pod.
    Loopback,
    /// Another address: what looks names up at run time has nothing to look up.
    Address,
    /// No DNS name.
    NoName,
    /// Whatever the name: the controller is set up to refuse them.
    Refused,
}

impl ExternalNameFault {
    /// What is wrong with a name itself, if anything.
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

/// A DNS subdomain (RFC 1123) as Kubernetes' `IsDNS1123Subdomain` has it.
fn is_dns_name(name: &str) -> bool {
    let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let ends = label.bytes().next().zip(label.bytes().next_back());
        ends.is_some_and(|(first, last)| is_end(first) && is_end(last))
            && label.bytes().all(|byte| is_end(byte) || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut() {
        assert_eq!(slice_prefix("web"), "web");
        let name = "a".repeat(63);
        assert_eq!(slice_prefix(&name[..57]), &name[..57]);
        assert_eq!(slice_prefix(&name[..58]), &name[..57]);
        assert_eq!(slice_prefix(&name), &name[..57]);
    }

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
