//! The endpoints of a Service's port: section 4.3.

use crate::model::{EndpointSlice, Protocol, Service, ServicePort, TargetPort};
use crate::routing::controller::{Controller, ControllerFamily};

/// The number of endpoints of one port of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Endpoints {
    /// Ready endpoints.
    pub ready: u32,
    /// Endpoints that are not ready.
    pub not_ready: u32,
    /// Endpoints in slices without this port.
    pub without_port: u32,
}

impl Endpoints {
    /// Counts the endpoints of a port that any controller would use.
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

/// Returns whether a slice has a port of a Service. Slices that Kubernetes creates use the port names of the Service.
/// ingress-nginx accepts any port of the slice if the Service's port has no name or a numeric `targetPort`.
fn has_port(slice: &EndpointSlice, wanted: &ServicePort) -> bool {
    let by_number = matches!(wanted.target, TargetPort::Number(_));
    let wanted = wanted.name.as_deref();
    let mut ports = slice.ports.iter().filter(|port| port.protocol == Protocol::Tcp);
    (by_number && slice.ports.is_empty())
        || ports.any(|port| by_number || wanted.is_none_or(|wanted| *port.name == *wanted))
}

/// Returns the name prefix of the EndpointSlices that ingress-nginx uses for a Service, whatever their label: the Service's
/// name, or its first 57 characters if it is too long for a generated name.
#[must_use]
pub fn slice_prefix(service: &str) -> &str {
    const GENERATED: usize = 58;
    if service.len() < GENERATED { service } else { service.get(..GENERATED - 1).unwrap_or(service) }
}

/// Returns whether ingress-nginx uses an EndpointSlice with the label of a Service for that Service.
#[must_use]
pub fn is_named_for(slice: &EndpointSlice, service: &str) -> bool {
    slice.key.name.starts_with(slice_prefix(service))
}

impl Controller<'_> {
    /// Returns whether the controller uses an EndpointSlice of a Service. Controllers other than ingress-nginx select slices
    /// by label only (section 4.3).
    pub(super) fn sees(&self, slice: &EndpointSlice, service: &Service) -> bool {
        self.dialect.family != ControllerFamily::Nginx || is_named_for(slice, &service.meta.key.name)
    }
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
}
