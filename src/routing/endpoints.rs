//! What stands behind a Service's port: section 4.3.

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
    pub fn behind(port: &ServicePort, slices: &[&EndpointSlice]) -> Self {
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
