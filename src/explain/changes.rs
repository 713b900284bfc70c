//! The requests whose result changes when files are applied: sample requests for every path on the hosts of the files, before and
//! after.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::controllers::concerned;
use super::ingress::{host_of, samples};
use crate::checks::Settings;
use crate::cluster::{ClusterState, ClusterView, Lookup};
use crate::finding::one_line;
use crate::model::{Backend, ClassRef, Host, Ingress, Key, Kind, Kinds, PathRef, PortRef};
use crate::routing::{
    Answer, ClassRules, Controller, ControllerId, Dialects, NginxAnnotations, Outcome, Refusal, Rewritten, Routes,
    Scheme, When,
};

/// The most changes that are listed.
const MOST: usize = 50;
/// The most paths of a host that are compared.
const PATHS: usize = 1000;
/// The most sample requests in total.
const REQUESTS: usize = 20_000;

/// The requests whose result changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteChanges {
    /// The first 50, sorted by URL.
    pub changes: Vec<RouteChange>,
    /// The number of further changes.
    pub more: usize,
    /// The number of hosts that could not be compared completely.
    pub not_compared: usize,
}

/// A request whose result changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteChange {
    /// The URL. `any` stands for every label or host without a rule of its own. The HTTP variant is listed only if its result
    /// differs from HTTPS.
    pub url: String,
    /// The result before, e.g. `service shop/web:80`; `None` is the default backend (404).
    pub before: Option<String>,
    /// The result after.
    pub after: Option<String>,
}

/// A cluster before or after the change, with its controllers.
#[derive(Clone, Copy)]
struct Side<'a> {
    view: &'a ClusterView<'a>,
    rules: &'a ClassRules,
    dialects: &'a Dialects,
}

/// The results of a request before and after; `None` is the default backend.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ends {
    before: Option<String>,
    after: Option<String>,
}

impl Ends {
    fn differ(&self) -> bool {
        self.before != self.after
    }

    /// Whether the change over HTTPS makes that over HTTP redundant: both are equal, or both routes appear or disappear, also if
    /// HTTP is redirected.
    fn implies(&self, http: &Self) -> bool {
        let are_absent = |a: &Option<String>, b: &Option<String>| a.is_none() && b.is_none();
        self == http
            || self.differ() && (are_absent(&self.before, &http.before) || are_absent(&self.after, &http.after))
    }
}

/// The result is unknown.
struct Unsaid;

/// Compares the results of requests in two states of a cluster, which differ in these Ingresses and possibly in other objects.
#[must_use]
pub fn route_changes(
    ingresses: &[Key],
    before: ClusterState<'_>,
    after: ClusterState<'_>,
    settings: &Settings,
) -> RouteChanges {
    let nobody = Key::default();
    let worlds =
        [before, after].map(|known| ClusterView::new(known, &nobody, Kind::ALL.into_iter().collect(), Kinds::NONE));
    let dialects = worlds.each_ref().map(|view| settings.dialects.with_observed_settings(view));
    let side = |at: usize| Side { view: &worlds[at], rules: &settings.classes, dialects: &dialects[at] };
    let sides = [side(0), side(1)];
    let mut touched: BTreeSet<(Host, ClassRef<'_>, &str)> = BTreeSet::new();
    for Key { namespace, name } in ingresses {
        for ingress in [before, after].iter().filter_map(|known| known.store.ingress(namespace, name)) {
            touched.extend(hosts(ingress).map(|host| (host, ingress.class_ref(), &**namespace)));
        }
    }
    let mut changes = BTreeSet::new();
    let mut not_compared = BTreeSet::new();
    let mut left = REQUESTS;
    for (host, class, namespace) in &touched {
        let (found, is_whole) = compare(host, (*class, namespace), sides, &mut left);
        changes.extend(found);
        if !is_whole {
            not_compared.insert(host);
        }
    }
    RouteChanges {
        more: changes.len().saturating_sub(MOST),
        changes: changes.into_iter().take(MOST).collect(),
        not_compared: not_compared.len(),
    }
}

/// The hosts that an Ingress can match.
fn hosts(ingress: &Ingress) -> impl Iterator<Item = Host> {
    let bare = (ingress.rules.is_empty() && ingress.default_backend.is_some()).then_some(Host::Any);
    let aliases = NginxAnnotations::of(ingress).server_aliases().map(Host::parse);
    ingress.rules.iter().map(|rule| rule.host.clone()).chain(aliases).chain(bare)
}

/// The paths of an Ingress that apply to a host.
fn paths_on<'a>(host: &Host, ingress: &'a Ingress) -> impl Iterator<Item = PathRef<'a>> {
    let is_alias = NginxAnnotations::of(ingress).server_aliases().any(|alias| Host::parse(alias) == *host);
    ingress.paths().filter(move |at| is_alias || at.rule.host.covers(host))
}

/// The changes on a host of the controller of a class, and whether the comparison is complete.
fn compare(
    host: &Host,
    (class, namespace): (ClassRef<'_>, &str),
    sides: [Side<'_>; 2],
    left: &mut usize,
) -> (Vec<RouteChange>, bool) {
    if *left == 0 {
        return (Vec::new(), false);
    }
    let name = host_of(host);
    let asked = Host::parse(&name);
    // The paths of all Ingresses that match the host: one Ingress gains what another one loses.
    let mut groups: BTreeSet<Vec<String>> = BTreeSet::from([vec!["/".to_owned()]]);
    for side in sides {
        let Some(ingresses) = concerned(&asked, side.view) else { return (Vec::new(), false) };
        let paths = ingresses.iter().flat_map(|ingress| paths_on(&asked, ingress));
        groups.extend(paths.take(PATHS + 1).map(samples));
    }
    let mut is_whole = groups.len() <= PATHS;
    let grouped = sides.map(|side| Controller::of_class(class, namespace, side.view, side.rules, side.dialects));
    let routes = [0, 1].map(|at| {
        let Side { view, rules, dialects } = sides[at];
        Routes::of(None, view, rules, dialects, grouped[at])
    });
    let mut known: BTreeMap<&str, [Ends; 2]> = BTreeMap::new();
    let mut changes = Vec::new();
    for group in groups.iter().take(PATHS) {
        for path in group {
            if known.contains_key(&**path) {
                continue;
            }
            if *left == 0 {
                return (changes, false);
            }
            *left -= 1;
            let answer = |scheme, at: usize| who(&routes[at], grouped[at], scheme, (&name, path));
            let ends = |scheme| Ok::<_, Unsaid>(Ends { before: answer(scheme, 0)?, after: answer(scheme, 1)? });
            let (Ok(https), Ok(http)) = (ends(Scheme::Https), ends(Scheme::Http)) else {
                is_whole = false;
                continue;
            };
            known.insert(path, [https, http]);
        }
        let mut told = [None; 2];
        for path in group {
            let Some(ends @ [https, http]) = known.get(&**path) else { continue };
            let is_news = [https.differ(), http.differ() && !https.implies(http)];
            for (at, scheme) in ["https", "http"].into_iter().enumerate() {
                // Requests below a path mostly change like the path itself.
                if is_news[at] && told[at] != Some(&ends[at]) {
                    let Ends { before, after } = ends[at].clone();
                    changes.push(RouteChange { url: format!("{scheme}://{name}{path}"), before, after });
                    told[at] = Some(&ends[at]);
                }
            }
        }
    }
    (changes, is_whole)
}

/// The result of a request, in words; `None` is the default backend.
fn who(
    routes: &Routes<'_>,
    controller: Controller<'_>,
    scheme: Scheme,
    (host, path): (&str, &str),
) -> Result<Option<String>, Unsaid> {
    match controller.id {
        ControllerId::Unknown => return Err(Unsaid),
        ControllerId::None => return Ok(None),
        ControllerId::Named(_) | ControllerId::Unnamed => {}
    }
    match routes.answer(scheme, host, path, When::After) {
        Ok(Lookup::Found(answer)) => Ok(match routes.refusal(&answer, When::After) {
            Some(Refusal { status, annotation }) => {
                Some(format!("{status} because of an invalid value of {annotation}"))
            }
            None => said(&answer),
        }),
        Ok(Lookup::Absent) => Ok(None),
        Ok(Lookup::Unknown) | Err(_) => Err(Unsaid),
    }
}

fn said(answer: &Answer<'_>) -> Option<String> {
    Some(match &answer.outcome {
        Outcome::DefaultBackend => return None,
        Outcome::BadRequest => "400".to_owned(),
        Outcome::Broken => "500".to_owned(),
        Outcome::Redirect(status, _) => format!("redirect {status}"),
        Outcome::Backend { of, backend, path } => {
            let service = match backend {
                Backend::Service { name, port } => {
                    let port = match port {
                        Some(PortRef::Name(name)) => format!(":{name}"),
                        Some(PortRef::Number(number)) => format!(":{number}"),
                        None => String::new(),
                    };
                    format!("service {}/{name}{port}", of.0.meta.key.namespace)
                }
                Backend::Resource => format!("the resource backend of Ingress {}", of.0.meta.key),
            };
            match path {
                Rewritten::To(path) => format!("{service} with path {}", String::from_utf8_lossy(path)),
                _ => service,
            }
        }
    })
}

impl fmt::Display for RouteChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = one_line(&self.url);
        match [&self.before, &self.after].map(|end| end.as_deref().map(one_line)) {
            [Some(before), Some(after)] => write!(f, "GET {url} changes from {before} to {after}"),
            [None, Some(after)] => write!(f, "GET {url} is new: {after}"),
            [Some(before), None] => write!(f, "GET {url} is removed: 404 instead of {before}"),
            [None, None] => write!(f, "GET {url} stays 404"),
        }
    }
}
