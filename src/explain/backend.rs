//! What stands behind a path: Service, port, endpoints.

use super::controllers::Controller;
use super::trail::{Ends, Explanation, ReadyBackend, kubectl};
use crate::cluster::{Lookup, World};
use crate::finding::Quoted;
use crate::model::{Backend, Ingress, PortRef, Protocol, Service, ServicePort, ServiceType};
use crate::routing::{Endpoints, Engine, ExternalNameFault, NginxAnnotations, slice_prefix};

/// Follow a backend to its endpoints.
pub(super) fn backend(
    explanation: &mut Explanation,
    controller: &Controller<'_>,
    ingress: &Ingress,
    backend: &Backend,
    world: &World<'_>,
) {
    let Backend::Service { name, port } = backend else {
        explanation.breaks("service", "the backend is a resource, which this controller does not serve", None);
        explanation.ends(Ends::DefaultBackend, 404);
        return;
    };
    let namespace = &*ingress.meta.key.namespace;
    explanation.backend = Some(ReadyBackend {
        namespace: namespace.to_owned(),
        service: name.to_string(),
        port: port.as_ref().map(|port| match port {
            PortRef::Name(name) => name.to_string(),
            PortRef::Number(number) => number.to_string(),
        }),
        ready_endpoints: None,
    });
    explanation.ends(Ends::Service, None);
    let behind = Behind { controller, ingress, namespace, name };
    if let Some(service) = behind.service(explanation, world)
        && let Some(port) = port
        && let Some(ports) = behind.ports(explanation, service, port)
    {
        behind.endpoints(explanation, service, &ports, world);
    }
    if explanation.broken().is_some() {
        let is_nginx = controller.taker.dialect.engine == Engine::Nginx;
        explanation.ends(Ends::Unavailable, is_nginx.then_some(503));
        behind.stand_in(explanation, world);
    }
}

/// One Service that an Ingress names.
struct Behind<'c, 'a> {
    controller: &'c Controller<'a>,
    ingress: &'c Ingress,
    namespace: &'c str,
    name: &'c str,
}

impl Behind<'_, '_> {
    fn annotations(&self) -> Option<NginxAnnotations<'_>> {
        let reads = self.controller.taker.dialect.engine.reads_nginx_annotations();
        reads.then(|| NginxAnnotations::of(self.ingress))
    }

    /// The Service, where its endpoints are worth a look.
    fn service<'w>(&self, explanation: &mut Explanation, world: &World<'w>) -> Option<&'w Service> {
        let Self { namespace, name, .. } = *self;
        let service = match world.service(namespace, name) {
            Lookup::Found(service) => service,
            Lookup::Absent => {
                let all = kubectl(&["get", "services", "--namespace", namespace]);
                explanation.breaks("service", format!("Service {namespace}/{name} does not exist"), all);
                return None;
            }
            Lookup::Unknown => {
                explanation.unknown("service", format!("whether Service {namespace}/{name} exists is not known"));
                return None;
            }
        };
        if service.kind == ServiceType::Cluster {
            explanation.holds("service", format!("Service {namespace}/{name}"));
            return Some(service);
        }
        let external = &*service.external_name;
        let is_nginx = self.controller.taker.dialect.engine == Engine::Nginx;
        let refused = is_nginx && self.controller.taker.dialect.refuses_external_names();
        let fault = ExternalNameFault::of(external).filter(|_| is_nginx);
        let edit = kubectl(&["edit", "service", name, "--namespace", namespace]);
        match fault {
            _ if refused => {
                let detail = format!("Service {namespace}/{name} is an ExternalName, which this controller refuses");
                explanation.breaks("service", detail, edit);
            }
            Some(_) => {
                let detail = format!(
                    "Service {namespace}/{name} is the ExternalName {}, which is no name of another host",
                    Quoted(external)
                );
                explanation.breaks("service", detail, edit);
            }
            None => {
                let detail = format!("Service {namespace}/{name} is the ExternalName {}", Quoted(external));
                explanation.holds("service", detail);
                explanation.unknown("endpoints", "whether that name resolves is not looked at");
            }
        }
        None
    }

    /// The ports of the Service that the backend may mean, where their endpoints count.
    fn ports<'s>(
        &self,
        explanation: &mut Explanation,
        service: &'s Service,
        wanted: &PortRef,
    ) -> Option<Vec<&'s ServicePort>> {
        let taker = &self.controller.taker;
        let dials_service = taker.dialect.engine == Engine::Nginx
            && matches!(wanted, PortRef::Number(_))
            && self.annotations().is_some_and(NginxAnnotations::service_upstream);
        if dials_service {
            let detail =
                format!("{wanted}: annotation service-upstream dials the Service's own address, endpoints or none");
            explanation.holds("port", detail);
            return None;
        }
        let by_target = !taker.wants_service_port();
        let meant = |port: &&ServicePort| port.answers_to(wanted) || (by_target && port.targets(wanted));
        let ports: Vec<&ServicePort> = service.ports.iter().filter(meant).collect();
        let get = || kubectl(&["get", "service", self.name, "--namespace", self.namespace]);
        let Some(first) = ports.first() else {
            let has: Vec<String> = service.ports.iter().map(ToString::to_string).collect();
            let has = if has.is_empty() { "no port".to_owned() } else { format!("only {}", has.join(", ")) };
            explanation.breaks("port", format!("the Service has no port {wanted}: it has {has}"), get());
            return None;
        };
        let tcp: Vec<&ServicePort> = ports.iter().copied().filter(|port| port.protocol == Protocol::Tcp).collect();
        if tcp.is_empty() {
            explanation.breaks("port", format!("port {first} is {}, not TCP", first.protocol), get());
            return None;
        }
        let by_target = if first.answers_to(wanted) { String::new() } else { format!(", by its targetPort {wanted}") };
        explanation.holds("port", format!("{first}{by_target}"));
        Some(tcp)
    }

    fn endpoints(&self, explanation: &mut Explanation, service: &Service, ports: &[&ServicePort], world: &World<'_>) {
        let Self { namespace, name, .. } = *self;
        let Lookup::Found(mut slices) = world.endpoint_slices(namespace, name) else {
            explanation.unknown("endpoints", "nothing is known of EndpointSlices");
            return;
        };
        let all = slices.len();
        if self.controller.taker.dialect.engine == Engine::Nginx {
            slices.retain(|slice| slice.key.name.starts_with(slice_prefix(name)));
        }
        let behind = ports.iter().map(|port| Endpoints::behind(port, &slices)).max_by_key(|behind| behind.ready);
        let behind = behind.unwrap_or_default();
        if let Some(backend) = &mut explanation.backend {
            backend.ready_endpoints = Some(behind.ready);
        }
        let of = format!("kubernetes.io/service-name={name}");
        let list = kubectl(&["get", "endpointslices", "--namespace", namespace, "--selector", &of]);
        let describe = kubectl(&["describe", "service", name, "--namespace", namespace]);
        match behind {
            Endpoints { ready: ready @ 1.., not_ready, .. } => {
                let others = if not_ready > 0 { format!(", {not_ready} not") } else { String::new() };
                explanation.holds("endpoints", format!("{ready} ready{others}"));
            }
            Endpoints { not_ready: waiting @ 1.., .. } => {
                explanation.breaks("endpoints", format!("none of {waiting} is ready"), list);
            }
            Endpoints { without_port: 1.., .. } => {
                explanation.breaks("endpoints", "there are some, but none on this port", list);
            }
            Endpoints { .. } if all > slices.len() => {
                let detail =
                    format!("none whose EndpointSlice has a name that begins with {name:?}: others are not seen");
                explanation.breaks("endpoints", detail, list);
            }
            Endpoints { .. } => {
                let why =
                    if service.selector.is_empty() { "it has no selector" } else { "no pod matches its selector" };
                explanation.breaks("endpoints", format!("there is none: {why}"), describe);
            }
        }
    }

    /// The Service of the default-backend annotation answers in the place of one without endpoints (section 4.6).
    fn stand_in(&self, explanation: &mut Explanation, world: &World<'_>) {
        let Some(name) = self.annotations().and_then(NginxAnnotations::default_backend) else { return };
        let Some(service) = world.service(self.namespace, name).found() else { return };
        let Some(port) = service.ports.first() else { return };
        let slices = world.endpoint_slices(self.namespace, name);
        let ready = match slices {
            Lookup::Found(slices) => Endpoints::behind(port, &slices).ready > 0,
            Lookup::Absent => false,
            Lookup::Unknown => {
                let detail = format!(
                    "Service {}/{name} of annotation default-backend answers, if it has endpoints",
                    self.namespace
                );
                explanation.unknown("stand-in", detail);
                return;
            }
        };
        if ready {
            let detail = format!("Service {}/{name} of annotation default-backend answers instead", self.namespace);
            explanation.holds("stand-in", detail);
            explanation.ends(Ends::Service, None);
        }
    }
}
