//! Endpoint readiness of a Service's port. EndpointSlices show whether endpoints are ready; pods and workloads show the cause
//! if none is. They are not known at admission.

use core::fmt;

use super::endpoints::Endpoints;
use crate::cluster::{ClusterView, Lookup};
use crate::finding::Quoted;
use crate::model::{
    EndpointSlice, Kind, Labels, PodState, PodTemplate, Service, ServicePort, ServiceType, TargetPort, Workload,
};

/// The number of pods that a message names.
const NAMED: usize = 3;

/// The endpoint readiness of a Service's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendReadiness<'a> {
    /// Some endpoints are ready.
    Ready(Endpoints),
    /// No endpoint is ready.
    NotReady(Shortage<'a>),
    /// Unknown.
    Unknown,
}

/// A port of a Service without a ready endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage<'a> {
    /// The port.
    pub port: &'a ServicePort,
    /// The cause.
    pub cause: Cause<'a>,
    /// The selector of the Service.
    pub selector: &'a Labels,
}

/// The cause of a missing endpoint, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause<'a> {
    /// Endpoints exist and none is ready, or the pods have no address yet.
    NotReady {
        /// The number of endpoints.
        endpoints: u32,
        /// The pods, if they are known.
        pods: Stuck<'a>,
    },
    /// Endpoints exist and none has this port.
    PortMissing,
    /// The ready endpoints are in an EndpointSlice of this name, which the controller does not use.
    Overlooked(&'a str),
    /// There are no endpoints and the Service has no selector.
    NoSelector,
    /// The selector of the Service matches no pod and no workload.
    NothingSelected,
    /// The workload of its pods is scaled to zero.
    ScaledToZero(Kind, &'a str),
    /// The workload of its pods has created none.
    NotMade(Kind, &'a str),
    /// No container port of the workload has the name of the `targetPort`. Found without endpoints.
    PortUnnamed(Kind, &'a str),
    /// There are no endpoints and the cause is unknown.
    Unexplained,
}

/// Pods that take no requests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stuck<'a> {
    /// The first three, each with the reason.
    pub named: Vec<(&'a str, String)>,
    /// The number of further pods.
    pub more: usize,
}

impl<'a> BackendReadiness<'a> {
    /// Returns the readiness of some of a Service's ports from the EndpointSlices that the controller `sees`. Reads
    /// EndpointSlices, and pods, workloads and Nodes if they may be read.
    #[must_use]
    pub fn of(
        view: &ClusterView<'a>,
        service: &'a Service,
        ports: &[&'a ServicePort],
        sees: impl Fn(&EndpointSlice) -> bool,
    ) -> Self {
        let Some(&port) = ports.first() else { return Self::Unknown };
        let lacking = |cause| Self::NotReady(Shortage { port, cause, selector: &service.selector });
        let Lookup::Found(slices) = view.endpoint_slices(&service.meta.key.namespace, &service.meta.key.name) else {
            return unnamed(view, service, ports).map_or(Self::Unknown, lacking);
        };
        let ready = |slices: &[&EndpointSlice]| {
            let mut resolved = ports.iter().map(|port| Endpoints::resolved(port, slices));
            resolved.find(|endpoints| endpoints.ready > 0)
        };
        let (looked_at, overlooked): (Vec<_>, Vec<_>) = slices.iter().copied().partition(|slice| sees(slice));
        if let Some(ready) = ready(&looked_at) {
            return Self::Ready(ready);
        }
        if let Some(slice) = overlooked.iter().find(|slice| ready(&[slice]).is_some()) {
            return lacking(Cause::Overlooked(&slice.key.name));
        }
        lacking(match Endpoints::resolved(port, &slices) {
            Endpoints { not_ready: endpoints @ 1.., .. } => Cause::NotReady { endpoints, pods: stuck(view, service) },
            Endpoints { without_port: 1.., .. } => Cause::PortMissing,
            Endpoints { .. } => without_endpoints(view, service),
        })
    }
}

/// Returns whether a port of a Service has a ready endpoint in the EndpointSlices that the controller `sees`; `None`: unknown.
/// Reads EndpointSlices.
pub(super) fn has_ready_endpoint(
    view: &ClusterView<'_>,
    service: &Service,
    port: &ServicePort,
    sees: impl Fn(&EndpointSlice) -> bool,
) -> Option<bool> {
    let mut slices = view.endpoint_slices(&service.meta.key.namespace, &service.meta.key.name).found()?;
    slices.retain(|slice| sees(slice));
    Some(Endpoints::resolved(port, &slices).ready > 0)
}

/// Returns the cause why a Service has no endpoints.
fn without_endpoints<'a>(view: &ClusterView<'a>, service: &'a Service) -> Cause<'a> {
    if service.selector.is_empty() {
        return Cause::NoSelector;
    }
    match view.pods(service) {
        Lookup::Found(_) => match stuck(view, service) {
            Stuck { named, .. } if named.is_empty() => Cause::Unexplained,
            pods => Cause::NotReady { endpoints: 0, pods },
        },
        Lookup::Absent => match view.workloads(service) {
            Lookup::Found(makers) => {
                let wanted = makers.iter().find(|(_, maker)| maker.replicas != Some(0));
                match (wanted, makers.first()) {
                    (Some((kind, maker)), _) => Cause::NotMade(*kind, &maker.key.name),
                    (None, Some((kind, maker))) => Cause::ScaledToZero(*kind, &maker.key.name),
                    (None, None) => Cause::Unexplained,
                }
            }
            // Other workloads of its pods have created none.
            Lookup::Absent | Lookup::Unknown => Cause::NothingSelected,
        },
        // Without pods, as in files, only a workload without replicas explains it.
        Lookup::Unknown => match view.workloads(service) {
            Lookup::Found(makers) if knows_workloads(view) && makers.iter().all(|(_, it)| it.replicas == Some(0)) => {
                makers.first().map_or(Cause::Unexplained, |(kind, maker)| Cause::ScaledToZero(*kind, &maker.key.name))
            }
            _ => Cause::Unexplained,
        },
    }
}

/// Whether every workload is known.
fn knows_workloads(view: &ClusterView<'_>) -> bool {
    Kind::WORKLOADS.into_iter().all(|kind| view.knows(kind))
}

/// Returns whether the selector of a Service matches no workload of its namespace, although the namespace has workloads and
/// all of them are known. Something else, such as an operator, may create its pods. Reads pods and workloads.
#[must_use]
pub fn selects_no_workload(view: &ClusterView<'_>, service: &Service) -> bool {
    service.kind != ServiceType::ExternalName
        && !service.selector.is_empty()
        && knows_workloads(view)
        && view.has_workloads(&service.meta.key.namespace)
        && view.workloads(service).is_absent()
        && view.pods(service).is_absent()
}

/// Returns the pods of a Service that are not ready; completed pods only if there are no others.
fn stuck<'a>(view: &ClusterView<'a>, service: &Service) -> Stuck<'a> {
    let pods = view.pods(service).found().unwrap_or_default();
    let mut stuck = Stuck::default();
    for is_over in [false, true] {
        if !stuck.named.is_empty() {
            break;
        }
        for pod in &pods {
            let why = match &pod.state {
                PodState::NotReady(why) if !is_over => why,
                PodState::Over(how) if is_over => how,
                _ => continue,
            };
            if stuck.named.len() == NAMED {
                stuck.more += 1;
                continue;
            }
            let lost = !is_over && view.node(&pod.node).found().is_some_and(|node| !node.is_ready);
            let why = if lost { format!("node {:?} not ready", pod.node) } else { why.escape_debug().to_string() };
            stuck.named.push((&*pod.key.name, why));
        }
    }
    stuck
}

/// Returns the workload whose containers declare no port with the wanted name, if every port wants a name and every workload
/// lacks it. A number is not a problem: a container may listen on ports that it does not declare.
fn unnamed<'a>(view: &ClusterView<'a>, service: &Service, ports: &[&ServicePort]) -> Option<Cause<'a>> {
    let makers = pod_templates(view, service);
    // Another workload may declare the name: all of them must be known.
    if !knows_workloads(view) || makers.first().is_some_and(|maker| !view.knows(maker.kind)) {
        return None;
    }
    let has = |port: &&ServicePort| match &port.target {
        TargetPort::Name(name) => makers.iter().any(|maker| maker.template.has_port(name, port.protocol)),
        TargetPort::Number(_) => true,
    };
    let first = makers.first()?;
    (!ports.iter().any(has)).then_some(Cause::PortUnnamed(first.kind, first.name))
}

/// The pod template of a Service's pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedTemplate<'a> {
    /// The kind of the object with the template.
    pub kind: Kind,
    /// The name.
    pub name: &'a str,
    /// The template.
    pub template: &'a PodTemplate,
}

/// Returns the templates of the pods that a Service selects, as far as they are known: those of workloads, or the pods
/// themselves if no workload is known. Completed pods are left out.
#[must_use]
pub fn pod_templates<'a>(view: &ClusterView<'a>, service: &Service) -> Vec<NamedTemplate<'a>> {
    if let Lookup::Found(makers) = view.workloads(service) {
        let named = |(kind, maker): (Kind, &'a Workload)| NamedTemplate {
            kind,
            name: &maker.key.name,
            template: &maker.template,
        };
        return makers.into_iter().map(named).collect();
    }
    let pods = view.pods(service).found().unwrap_or_default().into_iter();
    let pods = pods.filter(|pod| !matches!(pod.state, PodState::Over(_)));
    pods.map(|pod| NamedTemplate { kind: Kind::Pod, name: &pod.key.name, template: &pod.template }).collect()
}

impl Shortage<'_> {
    /// Returns whether there are no endpoints at all, as for a new Service.
    #[must_use]
    pub fn is_total(&self) -> bool {
        let is_partial = matches!(self.cause, Cause::PortMissing | Cause::Overlooked(_) | Cause::PortUnnamed(..));
        !is_partial && !matches!(self.cause, Cause::NotReady { endpoints: 1.., .. })
    }

    /// Returns the fix in words.
    #[must_use]
    pub fn help(&self) -> String {
        match &self.cause {
            Cause::NotReady { pods, .. } if !pods.named.is_empty() => format!("check {pods}"),
            Cause::NotReady { .. } if self.selector.is_empty() => "check its EndpointSlices".to_owned(),
            Cause::NotReady { .. } => format!("check the pods with labels {}", self.quoted_selector()),
            Cause::PortMissing => match &self.port.target {
                TargetPort::Name(name) => {
                    format!("add a container port named {} to its pods", Quoted(name))
                }
                TargetPort::Number(_) => "add a TCP port to its EndpointSlices".to_owned(),
            },
            Cause::Overlooked(_) => {
                "recreate the EndpointSlice with a name that starts with the name of the Service".to_owned()
            }
            Cause::NoSelector => "add a selector, or create an EndpointSlice for the Service".to_owned(),
            Cause::NothingSelected => format!("fix its selector {}, which matches no pod", self.quoted_selector()),
            Cause::ScaledToZero(kind, name) => format!("scale up {kind} {name:?}, which has 0 replicas"),
            Cause::NotMade(kind, name) => format!("check why {kind} {name:?} creates no pods"),
            Cause::PortUnnamed(kind, name) => format!("add this container port to {kind} {name:?}"),
            Cause::Unexplained => "check that its selector matches running pods".to_owned(),
        }
    }

    fn quoted_selector(&self) -> String {
        Quoted(&self.selector.to_string()).to_string()
    }
}

impl fmt::Display for Shortage<'_> {
    /// Writes the problem of the Service, e.g. `has no ready endpoint on port 80 (http), 2 not ready`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match (&self.cause, &port.target) {
            (Cause::NotReady { endpoints: some @ 1.., .. }, _) => {
                write!(f, "has no ready endpoint on port {port}, {some} not ready")
            }
            (Cause::PortMissing, _) => write!(f, "has endpoints, but none on port {port}"),
            (Cause::Overlooked(slice), _) => {
                write!(f, "has endpoints only in EndpointSlice {slice:?}, which ingress-nginx ignores")
            }
            (Cause::PortUnnamed(..), TargetPort::Name(name)) => {
                write!(f, "maps port {port} to container port {}, which its pods do not have", Quoted(name))
            }
            _ => f.write_str("has no endpoints"),
        }
    }
}

impl fmt::Display for Stuck<'_> {
    /// `pod "web-1" (ImagePullBackOff)`, `pods "a" (…), "b" (…), "c" (…) and 4 more`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.named.len() == 1 { "pod" } else { "pods" })?;
        for (at, (name, why)) in self.named.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma} {name:?} ({why})")?;
        }
        if self.more == 0 { Ok(()) } else { write!(f, " and {} more", self.more) }
    }
}

impl fmt::Display for BackendReadiness<'_> {
    /// Writes the readiness in short, e.g. `2 ready, 1 not ready`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(Endpoints { ready, not_ready: 0, .. }) => write!(f, "{ready} ready"),
            Self::Ready(Endpoints { ready, not_ready, .. }) => write!(f, "{ready} ready, {not_ready} not ready"),
            Self::NotReady(shortage) => write!(f, "the Service {shortage}; {}", shortage.help()),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
