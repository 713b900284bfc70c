//! What stands behind a path: Service, port, endpoints.

use super::controllers::Controller;
use super::trail::{Ends, Explanation, ReadyBackend, kubectl};
use crate::cluster::{Lookup, World};
use crate::finding::Quoted;
use crate::model::{Backend, EndpointSlice, Ingress, PortRef, Protocol, Service, ServicePort, ServiceType};
use crate::routing::{Backing, Endpoints, Engine, ExternalNameFault, NginxAnnotations, slice_prefix};

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
        let ports: Vec<&ServicePort> = taker.meant_ports(service, wanted).collect();
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

    fn endpoints<'w>(
        &self,
        explanation: &mut Explanation,
        service: &'w Service,
        ports: &[&'w ServicePort],
        world: &World<'w>,
    ) {
        let Self { namespace, name, .. } = *self;
        let of = format!("kubernetes.io/service-name={name}");
        let list = || kubectl(&["get", "endpointslices", "--namespace", namespace, "--selector", &of]);
        let is_nginx = self.controller.taker.dialect.engine == Engine::Nginx;
        if is_nginx && let Lookup::Found(slices) = world.endpoint_slices(namespace, name) {
            let is_seen = |slice: &&EndpointSlice| slice.key.name.starts_with(slice_prefix(name));
            if !slices.is_empty() && !slices.iter().any(is_seen) {
                let detail =
                    format!("none whose EndpointSlice has a name that begins with {name:?}: others are not seen");
                explanation.breaks("endpoints", detail, list());
                return;
            }
        }
        let backing = Backing::of(world, service, ports.iter().copied());
        let ready = match &backing {
            Backing::Ready(endpoints) => Some(endpoints.ready),
            Backing::Lacking(_) => Some(0),
            Backing::External(_) | Backing::Unknown => None,
        };
        if let Some(backend) = &mut explanation.backend {
            backend.ready_endpoints = ready;
        }
        match &backing {
            Backing::Ready(_) => explanation.holds("endpoints", backing.to_string()),
            Backing::Lacking(shortage) => {
                let describe = || kubectl(&["describe", "service", name, "--namespace", namespace]);
                let show = if shortage.is_total() { describe() } else { list() };
                explanation.breaks("endpoints", format!("the Service {shortage}; {}", shortage.help()), show);
            }
            Backing::External(_) | Backing::Unknown => {
                explanation.unknown("endpoints", "nothing is known of EndpointSlices");
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
