//! What stands behind a Service's port: sections 4.3 and 4.4.

use crate::model::{EndpointSlice, Protocol, Service, ServicePort, TargetPort};
use crate::routing::controller::{Controller, ControllerFamily};

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
