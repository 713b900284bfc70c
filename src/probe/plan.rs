//! The requests of a probe: which hosts and paths, over HTTP and HTTPS, in which order, and what is predicted for each.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use super::default_backend::UNUSED_HOST;
use super::expectation::{Expectation, Expected};
use super::observation::Observation;
use crate::checks::Settings;
use crate::cluster::{ClusterState, ClusterView};
use crate::explain::{Explanation, RequestUrl, explain_each, sample_requests};
use crate::model::{Host, Ingress, Key, PROBE_ANNOTATION};
use crate::routing::{
    CertificateState, ControllerId, Controllers, HostRoutes, Route, RouteMap, RouteOutcome, Scheme, host_name,
    sample_host,
};

/// The most addresses of an Ingress: each name among them is resolved.
const MAX_ADDRESSES: usize = 8;

/// The hosts and paths that are requested.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Hosts, which a wildcard of a rule may cover; empty: all.
    pub hosts: Vec<String>,
    /// Namespaces; `None`: all.
    pub namespaces: Option<HashSet<String>>,
    /// The classes of Ingresses; `None`: all.
    pub classes: Option<HashSet<String>>,
    /// The most samples of a path.
    pub samples: usize,
    /// One request for each path: HTTPS for hosts with TLS, and HTTP for others.
    pub is_brief: bool,
    /// The most requests. Namespaces take turns, so that one with many paths does not displace others.
    pub limit: usize,
    /// The most requests to a host, for which namespaces take turns as well.
    pub limit_of_host: usize,
}

/// A request, and what is predicted for it.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The request.
    pub request: RequestUrl,
    /// The host of the rule.
    pub host: Host,
    /// The Ingress of the path.
    pub ingress: Key,
    /// The class that it names.
    pub class: Option<String>,
    /// The field of the path.
    pub field: String,
    /// The name of the controller.
    pub controller: String,
    /// The prediction.
    pub expectation: Expectation,
    /// The first addresses in the status of the Ingress.
    pub addresses: Vec<String>,
    /// The Service that the controller publishes; otherwise the reason why it has no address.
    pub published: Result<Published, String>,
    /// Connections to the controller itself begin with the PROXY protocol.
    pub has_proxy_protocol: bool,
}

/// The address of a Service inside the cluster, with its ports for HTTP and HTTPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    ip: IpAddr,
    http: Option<u16>,
    https: Option<u16>,
}

/// The requests of a probe.
#[derive(Debug, Default)]
pub struct Plan {
    /// The requests, in the order of hosts and paths.
    pub requests: Vec<Planned>,
    /// The controllers whose answer for [`UNUSED_HOST`] is predicted to come from the default backend, with the scheme.
    pub default_backends: HashSet<(String, bool)>,
    /// The number of requests that are left out because of the limits.
    pub above_limit: usize,
    /// What is left out, in words.
    pub left_out: Vec<String>,
}

/// A request before it is explained.
struct Draft<'a> {
    request: RequestUrl,
    host: Host,
    ingress: &'a Ingress,
    field: String,
    controller: String,
    has_name: bool,
}

impl Default for Selection {
    /// Every path with two samples.
    fn default() -> Self {
        let (limit, limit_of_host) = (20_000, 20_000);
        Self { hosts: Vec::new(), namespaces: None, classes: None, samples: 2, is_brief: false, limit, limit_of_host }
    }
}

impl Plan {
    /// Plans the requests to the selected hosts and paths. Reads everything that `explain` and the route map read.
    #[must_use]
    pub fn of(known: ClusterState<'_>, settings: &Settings, selection: &Selection) -> Self {
        let view = ClusterView::unrestricted(known);
        let dialects = settings.dialects.with_observed_settings(&view);
        let controllers = Controllers::new(&view, &settings.classes, &dialects);
        let map = RouteMap::of(controllers);
        let mut plan = Self::default();
        let mut opted_out = HashSet::new();
        let mut seen = HashSet::new();
        let (mut drafts, mut without_sample) = (Vec::new(), 0);
        for host in &map.hosts {
            for route in host.routes.iter().filter(|route| selection.includes(route)) {
                if is_opted_out(route.ingress) {
                    opted_out.insert(&route.ingress.meta.key);
                    continue;
                }
                let of_route = selection.drafts(host, route, controllers);
                without_sample += usize::from(of_route.is_empty() && selection.hosts.is_empty());
                drafts.extend(
                    of_route.into_iter().filter(|draft| seen.insert((draft.request.url(), draft.controller.clone()))),
                );
            }
        }
        let planned = drafts.len();
        drafts = selection.limited(drafts);
        plan.above_limit = planned - drafts.len();
        let unused = unused_requests();
        let urls: Vec<RequestUrl> = unused.iter().chain(drafts.iter().map(|draft| &draft.request)).cloned().collect();
        let mut explained = explain_each(&urls, known, settings).into_iter();
        let of_unused: Vec<Explanation> = explained.by_ref().take(unused.len()).collect();
        let mut controllers_seen = HashSet::new();
        for (draft, explanation) in drafts.into_iter().zip(explained) {
            let explanation = draft.of_controller(&explanation);
            let answers = explanation.ingress.as_deref().and_then(|key| key.split_once('/'));
            let answering = answers.and_then(|(namespace, name)| known.store.ingress(namespace, name));
            // An Ingress without a prober's requests gets none by the paths of others either.
            if let Some(answering) = answering.filter(|ingress| is_opted_out(ingress)) {
                opted_out.insert(&answering.meta.key);
                continue;
            }
            let is_new = controllers_seen.insert(draft.controller.clone());
            for (request, explanation) in unused.iter().zip(&of_unused).filter(|_| is_new) {
                let expectation = Expectation::of(draft.of_controller(explanation), known, settings);
                if expectation.answer == Expected::DefaultBackend {
                    plan.default_backends.insert((draft.controller.clone(), request.scheme == Scheme::Https));
                }
            }
            let expectation = Expectation::of(explanation, known, settings);
            plan.requests.push(draft.planned(expectation, controllers, known));
        }
        if plan.above_limit > 0 {
            plan.left_out.push(format!("{} of {planned} requests: more than the limit", plan.above_limit));
        }
        if without_sample > 0 {
            plan.left_out.push(format!("{without_sample} paths, because no request certainly matches their regexes"));
        }
        if !opted_out.is_empty() {
            let mut names: Vec<String> = opted_out.iter().map(ToString::to_string).collect();
            names.sort_unstable();
            names.truncate(5);
            let count = opted_out.len();
            let text = format!("{count} Ingresses with {PROBE_ANNOTATION}: \"false\": {}", names.join(", "));
            plan.left_out.push(text);
        }
        plan
    }
}

impl Plan {
    /// Lets hosts take turns, so that a bounded rate to each host does not delay the others.
    pub fn interleave(&mut self) {
        let mut turn = turns();
        self.requests.sort_by_cached_key(|planned| turn(&planned.request.host));
    }

    /// Returns the requests whose prediction is the same in a later plan, with their observations.
    #[must_use]
    pub fn still_in(self, later: &Self, observations: Vec<Observation>) -> (Vec<Planned>, Vec<Observation>) {
        let key = |planned: &Planned| (planned.request.url(), planned.controller.clone());
        let now: HashMap<(String, String), &Expected> =
            later.requests.iter().map(|planned| (key(planned), &planned.expectation.answer)).collect();
        let is_same = |planned: &Planned| now.get(&key(planned)) == Some(&&planned.expectation.answer);
        self.requests.into_iter().zip(observations).filter(|(planned, _)| is_same(planned)).unzip()
    }
}

/// Counts what is seen: each text has turns 0, 1, 2…
fn turns() -> impl FnMut(&str) -> usize {
    let mut next: HashMap<String, usize> = HashMap::new();
    move |of| {
        let turn = next.entry(of.to_owned()).or_default();
        *turn += 1;
        *turn - 1
    }
}

/// The requests for a host that no Ingress has.
#[must_use]
pub(super) fn unused_requests() -> [RequestUrl; 2] {
    [Scheme::Http, Scheme::Https].map(|scheme| request(scheme, UNUSED_HOST.to_owned(), "/".to_owned()))
}

fn request(scheme: Scheme, host: String, path: String) -> RequestUrl {
    RequestUrl { scheme, host, path, query: None, notes: Vec::new() }
}

fn is_opted_out(ingress: &Ingress) -> bool {
    ingress.meta.annotations.get(PROBE_ANNOTATION).is_some_and(|value| value.trim() == "false")
}

impl Selection {
    fn includes(&self, route: &Route<'_>) -> bool {
        let ingress = route.ingress;
        let is_in =
            |names: &Option<HashSet<String>>, name: &str| names.as_ref().is_none_or(|names| names.contains(name));
        // The winner of a path is requested for all of its Ingresses.
        let is_repeated = matches!(route.outcome, RouteOutcome::ServedBy(_) | RouteOutcome::CanaryOf(_));
        let is_of_class =
            self.classes.is_none() || ingress.class_ref().name().is_some_and(|class| is_in(&self.classes, class));
        !is_repeated && !ingress.is_acme_solver && is_of_class && is_in(&self.namespaces, &ingress.meta.key.namespace)
    }

    /// Keeps the first requests of each namespace, in the same order.
    fn limited<'a>(&self, drafts: Vec<Draft<'a>>) -> Vec<Draft<'a>> {
        let mut numbered: Vec<(usize, Draft<'_>)> = drafts.into_iter().enumerate().collect();
        let (mut turn, mut of_host) = (turns(), turns());
        numbered.sort_by_cached_key(|(_, draft)| turn(&format!("{} {}", draft.namespace(), draft.request.host)));
        numbered.retain(|(_, draft)| of_host(&draft.request.host) < self.limit_of_host);
        numbered.sort_unstable_by_key(|(at, _)| *at);
        let mut turn = turns();
        numbered.sort_by_cached_key(|(_, draft)| turn(draft.namespace()));
        numbered.truncate(self.limit);
        numbered.sort_unstable_by_key(|(at, _)| *at);
        numbered.into_iter().map(|(_, draft)| draft).collect()
    }

    /// The names under which a host is requested.
    fn names(&self, host: &Host) -> Vec<String> {
        if self.hosts.is_empty() {
            return vec![sample_host(host)];
        }
        let covered = |name: &&String| *host != Host::Any && host.covers(&Host::parse(&host_name(name)));
        let own = self.hosts.iter().filter(|name| **name == host.to_string()).map(|_| sample_host(host));
        own.chain(self.hosts.iter().filter(covered).cloned()).collect()
    }

    fn drafts<'a>(&self, host: &HostRoutes<'_>, route: &Route<'a>, controllers: Controllers<'_>) -> Vec<Draft<'a>> {
        let mut paths = match route.at {
            Some(at) => sample_requests(route.ingress, at, controllers),
            None => vec!["/".to_owned()],
        };
        paths.retain(|path| path.starts_with('/'));
        paths.dedup();
        paths.truncate(self.samples);
        let has_tls = host.certificate.state != CertificateState::Plain;
        let schemes: &[Scheme] = match (has_tls, self.is_brief) {
            (true, true) => &[Scheme::Https],
            (true, false) => &[Scheme::Http, Scheme::Https],
            (false, _) => &[Scheme::Http],
        };
        let field = route.at.map_or_else(|| "spec.defaultBackend".to_owned(), |at| at.field().to_string());
        let (rule, controller, ingress) = (host.host.clone(), host.controller().to_owned(), route.ingress);
        let has_name = matches!(host.controller_id, ControllerId::Named(_));
        let mut drafts = Vec::new();
        for name in self.names(&host.host) {
            for path in &paths {
                drafts.extend(schemes.iter().map(|scheme| Draft {
                    request: request(*scheme, name.clone(), path.clone()),
                    host: rule.clone(),
                    ingress,
                    field: field.clone(),
                    controller: controller.clone(),
                    has_name,
                }));
            }
        }
        drafts
    }
}

impl Published {
    /// Finds the Service of the flag `--publish-service`.
    fn of(name: Option<&str>, known: ClusterState<'_>) -> Result<Self, String> {
        let name = name.filter(|name| !name.is_empty());
        let name = name.ok_or("the Service that the controller publishes is not known; set probe.via")?;
        let service = name.split_once('/').and_then(|(namespace, name)| known.store.service(namespace, name));
        let service = service.ok_or_else(|| format!("Service {name}, which the controller publishes, is not known"))?;
        let ip = service.addresses.iter().find_map(|text| text.parse().ok());
        let ip = ip.ok_or_else(|| format!("Service {name}, which the controller publishes, has no address"))?;
        let port = |wanted: &str, standard: i32| {
            let named = service.ports.iter().find(|port| port.name.as_deref() == Some(wanted));
            let found = named.or_else(|| service.ports.iter().find(|port| port.number == standard))?;
            u16::try_from(found.number).ok()
        };
        Ok(Self { ip, http: port("http", 80), https: port("https", 443) })
    }
}

impl Planned {
    /// The standard port of the scheme.
    #[must_use]
    pub const fn port(&self) -> u16 {
        match self.request.scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }

    /// Returns the address of the Service that the controller publishes.
    ///
    /// # Errors
    /// If it has none: the reason.
    pub fn published(&self, scheme: Scheme) -> Result<SocketAddr, String> {
        let Published { ip, http, https } = self.published.as_ref().map_err(Clone::clone)?;
        let port = if scheme == Scheme::Http { http } else { https };
        let port = port.ok_or_else(|| format!("the Service of the controller has no port for {}", scheme.name()))?;
        Ok(SocketAddr::new(*ip, port))
    }
}

impl Draft<'_> {
    fn namespace(&self) -> &str {
        &self.ingress.meta.key.namespace
    }

    /// Returns the explanation of the controller of this path: several may serve the host.
    fn of_controller<'e>(&self, explanation: &'e Explanation) -> &'e Explanation {
        let own = self.ingress.meta.key.to_string();
        let all = || std::iter::once(explanation).chain(&explanation.others);
        let by_ingress = all().find(|of| of.ingress.as_ref() == Some(&own));
        let is_named = |of: &&Explanation| self.has_name && of.controller.as_ref() == Some(&self.controller);
        by_ingress.or_else(|| all().find(is_named)).unwrap_or(explanation)
    }

    fn planned(self, expectation: Expectation, controllers: Controllers<'_>, known: ClusterState<'_>) -> Planned {
        let dialect = controllers.handling(self.ingress).dialect;
        let addresses = self.ingress.addresses.iter().filter(|text| !text.is_empty());
        Planned {
            request: self.request,
            host: self.host,
            ingress: self.ingress.meta.key.clone(),
            class: self.ingress.class_ref().name().map(str::to_owned),
            field: self.field,
            controller: self.controller,
            expectation,
            addresses: addresses.take(MAX_ADDRESSES).map(ToString::to_string).collect(),
            published: Published::of(dialect.flags.publish_service.as_deref(), known),
            has_proxy_protocol: dialect.uses_proxy_protocol(),
        }
    }
}
