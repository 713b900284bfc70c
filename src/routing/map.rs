//! The route map: host → path → Ingress → Service → endpoints, for every host of every controller. What one request
//! comes to is [`Routes::answer`]'s; this is the table that it looks things up in, with what stands behind each line.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

use super::annotations::NginxAnnotations;
use super::backend::OptionalBackend;
use super::backend::{FallbackService, LinkStatus, ResolvedBackend};
use super::controller::Dialects;
use super::controller::{ClassRules, Controller, ControllerId};
use super::location::{Dropped, DroppedBecause, Location, Modifier, Server};
use super::refusal::Refusal;
use super::routes::{Routes, When};
use super::tls::HostCertificate;
use crate::cluster::ClusterView;
use crate::finding::Quoted;
use crate::model::{Backend, Host, Ingress, Path, PathRef, PathType};

/// Every host of every controller, in the order of their names.
#[derive(Debug, Default)]
pub struct RouteMap<'a> {
    /// One entry for each host and controller.
    pub hosts: Vec<HostRoutes<'a>>,
}

/// What one controller makes of one host.
#[derive(Debug)]
pub struct HostRoutes<'a> {
    /// The host.
    pub host: Host,
    /// Whose it is.
    pub controller_id: ControllerId<'a>,
    /// What HTTPS answers with.
    pub certificate: HostCertificate<'a>,
    /// Its paths, the longest first; of equal ones that which counts.
    pub routes: Vec<Route<'a>>,
}

/// One path of one Ingress.
#[derive(Debug)]
pub struct Route<'a> {
    /// The path; `None`: whatever no path takes.
    pub at: Option<PathRef<'a>>,
    /// It is matched as a pattern.
    pub is_regex: bool,
    /// The Ingress that asks for it.
    pub ingress: &'a Ingress,
    /// What should answer.
    pub backend: &'a Backend,
    /// What becomes of requests for it.
    pub outcome: RouteOutcome<'a>,
}

/// What becomes of the requests for a path.
#[derive(Debug, Clone)]
pub enum RouteOutcome<'a> {
    /// They go to the backend.
    Asked(ResolvedBackend<'a>),
    /// As before, but nobody can be sure that any visitor depends on it.
    Doubtful(ResolvedBackend<'a>),
    /// The backend cannot answer, and the Service of this name stands in for it.
    StoodIn(ResolvedBackend<'a>, &'a str),
    /// They are redirected with this status.
    Redirected(u16),
    /// Nobody is let in.
    Refused(Refusal),
    /// An older Ingress has the same path.
    Taken(&'a Ingress),
    /// A canary, beside the Ingress that has the path.
    CanaryOf(&'a Ingress),
    /// The backend is no Service, and this controller knows nothing else.
    NoLocation,
    /// A canary was the first to use the Service, so no other Ingress gets a location with it (section 7.1).
    CanaryUpstream,
    /// No controller takes the Ingress.
    Unserved,
}

/// The Ingresses of one controller.
struct Group<'a> {
    controller: Controller<'a>,
    /// Nobody can tell whether others are the same controller's.
    alone: bool,
    ingresses: Vec<&'a Ingress>,
}

impl<'a> RouteMap<'a> {
    /// What everything that is stored comes to. Reads Certificates, EndpointSlices, Ingresses, IngressClasses, Secrets and
    /// Services.
    #[must_use]
    pub fn of(
        ingresses: impl Iterator<Item = &'a Ingress>,
        view: &'a ClusterView<'a>,
        rules: &'a ClassRules,
        dialects: &'a Dialects,
    ) -> Self {
        let mut ingresses: Vec<&Ingress> = ingresses.filter(|ingress| !ingress.meta.deleting).collect();
        ingresses.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
        let (mut groups, mut alone): (Vec<Group<'a>>, Vec<Group<'a>>) = (Vec::new(), Vec::new());
        for ingress in ingresses {
            let controller = Controller::handling(ingress, view, rules, dialects);
            let known = groups.iter_mut().find(|group| group.controller.is_same_as(&controller));
            let Some(group) = known else {
                let is_alone = !controller.is_same_as(&controller);
                let group = Group { controller, alone: is_alone, ingresses: vec![ingress] };
                if is_alone {
                    alone.push(group);
                } else {
                    groups.push(group);
                }
                continue;
            };
            // Its name is better than that there is somebody.
            if matches!(controller.id, ControllerId::Named(_)) {
                group.controller = controller;
            }
            group.ingresses.push(ingress);
        }
        let all = groups.iter().chain(&alone);
        let mut hosts: Vec<HostRoutes<'a>> = all.flat_map(|group| group.hosts(view, rules, dialects)).collect();
        hosts.sort_by(|a, b| a.host.cmp(&b.host).then_with(|| id_name(a.controller_id).cmp(id_name(b.controller_id))));
        Self { hosts }
    }
}

/// What to call who takes an Ingress.
fn id_name(id: ControllerId<'_>) -> &str {
    match id {
        ControllerId::Named(name) => name,
        ControllerId::Unnamed => "some controller",
        ControllerId::None => "no controller",
        ControllerId::Unknown => "unknown controller",
    }
}

impl<'a> Group<'a> {
    fn hosts(
        &self,
        view: &'a ClusterView<'a>,
        rules: &'a ClassRules,
        dialects: &'a Dialects,
    ) -> impl Iterator<Item = HostRoutes<'a>> {
        let controller = self.controller;
        // Where nobody knows who takes it, its own rules are all that is certain.
        let candidate = self.ingresses.first().copied().filter(|_| self.alone);
        let routes = Routes::of(candidate, view, rules, dialects, controller);
        let named = self.ingresses.iter().flat_map(|ingress| &ingress.rules).map(|rule| &rule.host);
        let any = self.ingresses.iter().any(|ingress| ingress.rules.is_empty() && ingress.default_backend.is_some());
        let hosts: BTreeSet<&Host> = named.chain(any.then_some(&Host::Any)).collect();
        hosts.into_iter().filter_map(move |host| {
            let server = routes.server(host, When::After).found()?;
            let refusal = routes.refuses_host(host, When::After);
            Some(HostRoutes {
                host: host.clone(),
                controller_id: controller.id,
                certificate: HostCertificate::of(host, &routes, view),
                routes: lines(&server, refusal, &routes, &controller, view),
            })
        })
    }
}

fn lines<'a>(
    server: &Server<'a>,
    refusal: Option<Refusal>,
    routes: &Routes<'a>,
    controller: &Controller<'a>,
    view: &ClusterView<'a>,
) -> Vec<Route<'a>> {
    let won = server.locations.iter().filter(|location| !location.is_exact_companion).filter_map(|location| {
        let (ingress, backend) = (location.ingress?, location.backend?);
        let refusal = refusal.or_else(|| routes.refuses_location(location));
        let outcome = won(location, ingress, backend, refusal, controller, view);
        Some(Route { at: location.at, is_regex: location.modifier == Modifier::Regex, ingress, backend, outcome })
    });
    let lost = server.dropped.iter().map(|Dropped { ingress, at, why }| {
        let is_canary =
            controller.dialect.family.reads_nginx_annotations() && NginxAnnotations::of(ingress).is_canary();
        let main = if is_canary { main_of(server, at) } else { None };
        let outcome = match (why, main) {
            _ if controller.id == ControllerId::None => RouteOutcome::Unserved,
            (_, Some(main)) => RouteOutcome::CanaryOf(main),
            (DroppedBecause::Taken(by), _) => RouteOutcome::Taken(by),
            (DroppedBecause::Resource, _) => RouteOutcome::NoLocation,
            (DroppedBecause::CanaryUpstream, _) => RouteOutcome::CanaryUpstream,
        };
        Route { at: Some(*at), is_regex: false, ingress, backend: &at.path.backend, outcome }
    });
    let mut routes: Vec<Route<'a>> = won.chain(lost).collect();
    // Stable: what counts was there first.
    routes.sort_by(|a, b| (Reverse(a.path().len()), a.path()).cmp(&(Reverse(b.path().len()), b.path())));
    routes
}

/// Whose location a canary is beside (section 7.1).
fn main_of<'a>(server: &Server<'a>, canary: &PathRef<'_>) -> Option<&'a Ingress> {
    let is_exact = |path: &Path| path.path_type == PathType::Exact;
    let is_it =
        |at: &PathRef<'_>| at.path.routed() == canary.path.routed() && is_exact(at.path) == is_exact(canary.path);
    server
        .locations
        .iter()
        .find(|location| location.at.as_ref().is_some_and(is_it))
        .and_then(|location| location.ingress)
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
    if let Some(status) = location.annotations().and_then(NginxAnnotations::redirect_status) {
        return RouteOutcome::Redirected(status);
    }
    let resolved = ResolvedBackend::of(ingress, backend, controller, view);
    if resolved.standing() != LinkStatus::Broken {
        return RouteOutcome::Asked(resolved);
    }
    if OptionalBackend::of_every_backend(ingress, controller).is_some() {
        return RouteOutcome::Doubtful(resolved);
    }
    let stand_in = FallbackService::of(ingress, controller, view).filter(|_| !resolved.by_address());
    match stand_in.filter(|it| it.answers(controller, view) == Some(true)) {
        Some(FallbackService { name, .. }) => RouteOutcome::StoodIn(resolved, name),
        None => RouteOutcome::Asked(resolved),
    }
}

impl Route<'_> {
    /// The path as it is routed.
    #[must_use]
    pub fn path(&self) -> &str {
        self.at.map_or("/", |at| at.path.routed())
    }

    /// Whether visitors get what the Ingress says.
    #[must_use]
    pub fn standing(&self) -> LinkStatus {
        match &self.outcome {
            RouteOutcome::Asked(resolved) => resolved.standing(),
            RouteOutcome::Redirected(_) | RouteOutcome::CanaryOf(_) => LinkStatus::Holds,
            RouteOutcome::Doubtful(_) => LinkStatus::Unseen,
            // The same backend answers either way.
            RouteOutcome::Taken(by) if self.is_answered_alike(by) => LinkStatus::Holds,
            RouteOutcome::StoodIn(..)
            | RouteOutcome::Taken(_)
            | RouteOutcome::Refused(_)
            | RouteOutcome::NoLocation
            | RouteOutcome::CanaryUpstream
            | RouteOutcome::Unserved => LinkStatus::Broken,
        }
    }

    fn is_answered_alike(&self, by: &Ingress) -> bool {
        let same_place = by.meta.key.namespace == self.ingress.meta.key.namespace;
        let is_it = |at: PathRef<'_>| {
            self.at.is_some_and(|own| own.rule.host == at.rule.host && own.path.routed() == at.path.routed())
                && at.path.backend == *self.backend
        };
        same_place && by.paths().any(is_it)
    }
}

impl HostRoutes<'_> {
    /// What to call the controller.
    #[must_use]
    pub fn controller(&self) -> &str {
        id_name(self.controller_id)
    }
}

impl fmt::Display for RouteOutcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(resolved) | Self::Doubtful(resolved) => resolved.fmt(f),
            Self::StoodIn(resolved, name) => write!(f, "{resolved}; {} stands in for it", Quoted(name)),
            Self::Redirected(status) => write!(f, "redirected ({status})"),
            Self::Refused(Refusal { status, annotation }) => write!(f, "{status} for everybody: {annotation} is wrong"),
            Self::Taken(by) => write!(f, "{} has this path", by.meta.key),
            Self::CanaryOf(by) => write!(f, "canary of {}", by.meta.key),
            Self::NoLocation => f.write_str("no Service: the controller drops the path"),
            Self::CanaryUpstream => f.write_str("dropped: a canary was the first to use the Service"),
            Self::Unserved => f.write_str("no controller takes this Ingress"),
        }
    }
}
