//! The route map: host → path → Ingress → Service → endpoints, for every host of every controller. [`Routes::answer`]
//! decides a single request; the map lists every path with the state of its backend.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use super::annotations::{NginxAnnotations, Refusal};
use super::backend::{FallbackAnswer, FallbackService, LinkStatus, OptionalBackend, ResolvedBackend};
use super::controller::{Controller, ControllerGroup, ControllerId, Controllers};
use super::location::{Dropped, DroppedBecause, Location, Modifier, Server};
use super::reload::ReloadBlock;
use super::routes::{Routes, When};
use super::tls::HostCertificate;
use crate::cluster::{ClusterView, Lookup};
use crate::finding::Quoted;
use crate::model::{Backend, Host, Ingress, PathRef};

/// Every host of every controller, in the order of their names.
#[derive(Debug, Default)]
pub struct RouteMap<'a> {
    /// One entry for each host and controller.
    pub hosts: Vec<HostRoutes<'a>>,
}

/// The routes of one host of one controller.
#[derive(Debug)]
pub struct HostRoutes<'a> {
    /// The host.
    pub host: Host,
    /// The controller.
    pub controller_id: ControllerId<'a>,
    /// The certificate that it serves.
    pub certificate: HostCertificate<'a>,
    /// The paths, the longest first; of equal ones, the effective one first.
    pub routes: Vec<Route<'a>>,
    /// The Ingress for which the controller loads no change.
    pub block: Option<Rc<ReloadBlock>>,
    /// Ingresses of the host have load balancers of their own, and DNS selects one.
    pub has_several_balancers: bool,
}

/// One path of one Ingress.
#[derive(Debug)]
pub struct Route<'a> {
    /// The path; `None`: requests that no path matches.
    pub at: Option<PathRef<'a>>,
    /// It is matched as a regex.
    pub is_regex: bool,
    /// The Ingress.
    pub ingress: &'a Ingress,
    /// The backend that the Ingress defines.
    pub backend: &'a Backend,
    /// The outcome of requests for it.
    pub outcome: RouteOutcome<'a>,
}

/// The outcome of the requests for a path.
#[derive(Debug, Clone)]
pub enum RouteOutcome<'a> {
    /// The backend gets them.
    Asked(ResolvedBackend<'a>),
    /// The backend gets them, and may be unused.
    Doubtful(ResolvedBackend<'a>),
    /// The backend has no endpoint, and the fallback Service of this name gets them.
    Fallback(ResolvedBackend<'a>, &'a str),
    /// They are redirected with this status.
    Redirected(u16),
    /// Every request gets a forced response.
    Refused(Refusal),
    /// The controller does not load the Ingress, because of this annotation (section 7.0).
    NotLoaded(&'static str),
    /// An older Ingress has the same path.
    ServedBy(&'a Ingress),
    /// A canary of the Ingress that has the path.
    CanaryOf(&'a Ingress),
    /// The backend is not a Service, and this controller supports nothing else.
    NoLocation,
    /// A canary was the first to use the Service, so no other Ingress gets a location with it (section 7.1).
    CanaryUpstream,
    /// A minion without a master for the host.
    NoMaster,
    /// No controller handles the Ingress.
    Unserved,
}

impl<'a> RouteMap<'a> {
    /// Builds the map of every Ingress that the view shows. Reads Certificates, EndpointSlices, Ingresses, IngressClasses,
    /// Secrets and Services.
    #[must_use]
    pub fn of(controllers: Controllers<'a>) -> Self {
        let mut ingresses: Vec<&Ingress> = controllers.view().ingresses().collect();
        ingresses.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
        let mut groups = controllers.grouped(ingresses);
        groups.sort_by_key(|group| group.alone().is_some());
        let mut hosts: Vec<HostRoutes<'a>> = groups.iter().flat_map(|group| hosts(group, controllers)).collect();
        hosts.sort_by(|a, b| a.host.cmp(&b.host).then_with(|| id_name(a.controller_id).cmp(id_name(b.controller_id))));
        Self { hosts }
    }
}

/// Returns the name of a controller, or what is known of it.
fn id_name(id: ControllerId<'_>) -> &str {
    match id {
        ControllerId::Named(name) => name,
        ControllerId::Unnamed => "some controller",
        ControllerId::None => "no controller",
        ControllerId::Unknown => "unknown controller",
    }
}

fn hosts<'a>(group: &ControllerGroup<'a>, controllers: Controllers<'a>) -> impl Iterator<Item = HostRoutes<'a>> {
    let (controller, view) = (group.controller, controllers.view());
    // Only the own rules of an Ingress are certain while its controller cannot be identified.
    let routes = Routes::of(controllers, controller, group.alone());
    let named = group.ingresses.iter().flat_map(|ingress| &ingress.rules).map(|rule| &rule.host);
    let any = group.ingresses.iter().any(|ingress| ingress.rules.is_empty() && ingress.default_backend.is_some());
    let block = if group.alone().is_some() { None } else { ReloadBlock::of(controllers, controller).map(Rc::new) };
    let hosts: BTreeSet<&Host> = named.chain(any.then_some(&Host::Any)).collect();
    hosts.into_iter().filter_map(move |host| {
        let server = routes.server(host, When::After).found();
        let unloaded = routes.unloaded_on(host, When::After);
        let mut of_host = view.others_on(host).found().unwrap_or_default();
        of_host.retain(|ingress| ingress.rules.iter().any(|rule| rule.host == *host));
        if server.is_none() && unloaded.is_empty() {
            return None;
        }
        let mut lines = server.map_or_else(Vec::new, |server| lines(&server, &routes, &controller, view));
        lines.extend(unloaded.into_iter().flat_map(|(ingress, annotation)| not_loaded(host, ingress, annotation)));
        // The sort is stable: the effective path comes first.
        lines.sort_by(|a, b| (Reverse(a.path().len()), a.path()).cmp(&(Reverse(b.path().len()), b.path())));
        Some(HostRoutes {
            host: host.clone(),
            controller_id: controller.id,
            certificate: HostCertificate::of(host, &routes, view),
            routes: lines,
            block: block.clone(),
            has_several_balancers: controllers.have_several_balancers(&of_host),
        })
    })
}

fn lines<'a>(
    server: &Server<'a>,
    routes: &Routes<'a>,
    controller: &Controller<'a>,
    view: &ClusterView<'a>,
) -> Vec<Route<'a>> {
    let won = server.locations.iter().filter(|location| !location.is_exact_companion).filter_map(|location| {
        let (ingress, backend) = (location.ingress?, location.backend?);
        let refusal = server.forbidden.or(location.refusal);
        let outcome = match won(location, ingress, backend, refusal, controller, view) {
            // Other rules than those of Kubernetes may apply.
            RouteOutcome::Asked(resolved) if routes.controllers().unsettled(ingress).is_some() => {
                RouteOutcome::Doubtful(resolved)
            }
            outcome => outcome,
        };
        Some(Route { at: location.at, is_regex: location.modifier == Modifier::Regex, ingress, backend, outcome })
    });
    let lost = server.dropped.iter().map(|Dropped { ingress, at, why }| {
        let is_canary =
            controller.dialect.family.reads_nginx_annotations() && NginxAnnotations::of(ingress).is_canary();
        let main = if is_canary { server.shared_with(*at).and_then(|location| location.ingress) } else { None };
        let outcome = match (why, main) {
            _ if controller.id == ControllerId::None => RouteOutcome::Unserved,
            (_, Some(main)) => RouteOutcome::CanaryOf(main),
            (DroppedBecause::Duplicate(by) | DroppedBecause::HostOf(by), _) => RouteOutcome::ServedBy(by),
            (DroppedBecause::Resource, _) => RouteOutcome::NoLocation,
            (DroppedBecause::CanaryUpstream, _) => RouteOutcome::CanaryUpstream,
            (DroppedBecause::NoMaster, _) => RouteOutcome::NoMaster,
        };
        Route { at: Some(*at), is_regex: false, ingress, backend: &at.path.backend, outcome }
    });
    won.chain(lost).collect()
}

/// The routes of one Ingress.
#[derive(Debug, Default)]
pub struct RoutesOf<'a> {
    /// One for each host and path.
    pub routes: Vec<Route<'a>>,
    /// The number of its paths on hosts whose server is not known.
    pub unknown: u32,
}

/// Returns the routes of the Ingress that is the candidate of `routes`, as the map has them. The map reads every Ingress; this reads
/// those on the same hosts.
#[must_use]
pub fn routes_of<'a>(ingress: &'a Ingress, routes: &Routes<'a>) -> RoutesOf<'a> {
    let mut of = RoutesOf::default();
    let own = |route: &Route<'_>| route.ingress.meta.key == ingress.meta.key;
    let any = (ingress.rules.is_empty() && ingress.default_backend.is_some()).then_some(&Host::Any);
    for host in ingress.hosts().into_iter().map(|(_, host)| host).chain(any) {
        match routes.server(host, When::After) {
            Lookup::Found(server) => {
                of.routes.extend(lines(&server, routes, routes.controller(), routes.view()).into_iter().filter(own));
            }
            Lookup::Absent => {}
            Lookup::Unknown => {
                let paths = ingress.paths().filter(|at| at.rule.host == *host).count();
                of.unknown += u32::try_from(paths).unwrap_or(u32::MAX);
            }
        }
        let unloaded = routes.unloaded_on(host, When::After).into_iter();
        let unloaded = unloaded.filter(|(other, _)| other.meta.key == ingress.meta.key);
        of.routes.extend(unloaded.flat_map(|(ingress, annotation)| not_loaded(host, ingress, annotation)));
    }
    of
}

/// Returns the paths of an Ingress that the controller does not load.
fn not_loaded<'a>(
    host: &Host,
    ingress: &'a Ingress,
    annotation: &'static str,
) -> impl Iterator<Item = Route<'a>> + use<'a> {
    let paths: Vec<PathRef<'a>> = ingress.paths().filter(|at| at.rule.host == *host).collect();
    paths.into_iter().map(move |at| {
        let outcome = RouteOutcome::NotLoaded(annotation);
        Route { at: Some(at), is_regex: false, ingress, backend: &at.path.backend, outcome }
    })
}

fn won<'a>(
    location: &Location<'a>,
    ingress: &'a Ingress,
    backend: &'a Backend,
    refusal: Option<Refusal>,
    controller: &Controller<'a>,
    view: &ClusterView<'a>,
) -> RouteOutcome<'a> {
    if controller.id == ControllerId::None {
        return RouteOutcome::Unserved;
    }
    if let Some(refusal) = refusal {
        return RouteOutcome::Refused(refusal);
    }
    if let Some(redirect) = location.annotations().and_then(NginxAnnotations::redirect) {
        return RouteOutcome::Redirected(redirect.status);
    }
    let resolved = ResolvedBackend::of(ingress, backend, controller, view);
    if resolved.status() != LinkStatus::Broken {
        return RouteOutcome::Asked(resolved);
    }
    if OptionalBackend::of_every_backend(ingress, controller).is_some() {
        return RouteOutcome::Doubtful(resolved);
    }
    let fallback = FallbackService::of(ingress, controller, view).filter(|_| !resolved.by_address());
    let answers = |it: &FallbackService<'_>| it.answer(resolved.is_external(), controller, view);
    match fallback.filter(|it| answers(it) == FallbackAnswer::Served) {
        Some(FallbackService { name, .. }) => RouteOutcome::Fallback(resolved, name),
        None => RouteOutcome::Asked(resolved),
    }
}

impl Route<'_> {
    /// Returns the path as it is routed.
    #[must_use]
    pub fn path(&self) -> &str {
        self.at.map_or("/", |at| at.path.routed())
    }

    /// Returns whether requests reach the backend that the Ingress defines.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        match &self.outcome {
            RouteOutcome::Asked(resolved) => resolved.status(),
            RouteOutcome::Redirected(_) | RouteOutcome::CanaryOf(_) => LinkStatus::Ok,
            RouteOutcome::Doubtful(_) => LinkStatus::Unknown,
            // The same backend answers either way.
            RouteOutcome::ServedBy(by) if self.is_answered_alike(by) => LinkStatus::Ok,
            RouteOutcome::Fallback(..)
            | RouteOutcome::ServedBy(_)
            | RouteOutcome::Refused(_)
            | RouteOutcome::NotLoaded(_)
            | RouteOutcome::NoLocation
            | RouteOutcome::CanaryUpstream
            | RouteOutcome::NoMaster
            | RouteOutcome::Unserved => LinkStatus::Broken,
        }
    }

    fn is_answered_alike(&self, by: &Ingress) -> bool {
        let same_place = by.meta.key.namespace == self.ingress.meta.key.namespace;
        let is_it = |at: PathRef<'_>| {
            self.at.is_some_and(|own| own.rule.host == at.rule.host && own.path.routed() == at.path.routed())
                && *at.path.backend == *self.backend
        };
        same_place && by.paths().any(is_it)
    }
}

impl HostRoutes<'_> {
    /// Returns whether requests for a route of the host reach its backend. While the controller loads no change, the configuration
    /// from before decides, which is unknown. If DNS selects the load balancer, it is unknown which Ingress gets them.
    #[must_use]
    pub fn status(&self, route: &Route<'_>) -> LinkStatus {
        let is_of_other = matches!(route.outcome, RouteOutcome::ServedBy(_));
        match route.status() {
            LinkStatus::Ok if self.block.is_some() || self.has_several_balancers => LinkStatus::Unknown,
            LinkStatus::Broken if self.has_several_balancers && is_of_other => LinkStatus::Unknown,
            status => status,
        }
    }

    /// Returns the outcome of requests for a route in words.
    #[must_use]
    pub fn detail(&self, route: &Route<'_>) -> String {
        if self.has_several_balancers {
            format!("{}; DNS selects one of several load balancers", route.outcome)
        } else {
            route.outcome.to_string()
        }
    }

    /// Returns the name of the controller, or what is known of it.
    #[must_use]
    pub fn controller(&self) -> &str {
        id_name(self.controller_id)
    }
}

impl fmt::Display for RouteOutcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(resolved) | Self::Doubtful(resolved) => resolved.fmt(f),
            Self::Fallback(resolved, name) => write!(f, "{resolved}; fallback Service {}", Quoted(name)),
            Self::Redirected(status) => write!(f, "{status} redirect"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::NotLoaded(annotation) => {
                write!(f, "the controller does not load the Ingress: annotation {annotation} is invalid")
            }
            Self::ServedBy(by) => write!(f, "served by {}", by.meta.key),
            Self::CanaryOf(by) => write!(f, "canary of {}", by.meta.key),
            Self::NoLocation => f.write_str("backend is not a Service: the controller drops the path"),
            Self::CanaryUpstream => f.write_str("no location, because a canary is the first user of the Service"),
            Self::NoMaster => f.write_str("a minion, and no Ingress is the master of the host"),
            Self::Unserved => f.write_str("no controller handles this Ingress"),
        }
    }
}
