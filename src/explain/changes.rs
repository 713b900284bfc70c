//! Which requests come to something else once files are applied: samples of every path on the hosts that they touch, answered
//! before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::controllers::concerned;
use crate::checks::Settings;
use crate::cluster::{ClusterState, ClusterView, Lookup};
use crate::finding::one_line;
use crate::model::{Backend, ClassRef, Host, Ingress, Key, Kind, Kinds, PathRef, PortRef};
use crate::routing::{
    Answer, ClassRules, Controller, ControllerId, Dialects, NginxAnnotations, Outcome, Refusal, Rewritten, Routes,
    Scheme, When, path_samples, sample_host,
};

/// So many changes are told.
const MOST: usize = 50;
/// So many paths of a host are asked for.
const PATHS: usize = 1000;
/// So many requests are made in all.
const REQUESTS: usize = 20_000;

/// The requests that come to something else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteChanges {
    /// The first 50, by their URLs.
    pub changes: Vec<RouteChange>,
    /// How many more there are.
    pub more: usize,
    /// Hosts of which not everything could be compared.
    pub not_compared: usize,
}

/// A request that comes to something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteChange {
    /// The URL; `any` stands for every label and host that has no rule of its own. HTTP is told where something else comes
    /// of it than of HTTPS.
    pub url: String,
    /// Who answers now, e.g. `service shop/web:80`; `None`: nobody (404).
    pub before: Option<String>,
    /// Who answers then.
    pub after: Option<String>,
}

/// A cluster before or after, and its controllers.
#[derive(Clone, Copy)]
struct Side<'a> {
    view: &'a ClusterView<'a>,
    rules: &'a ClassRules,
    dialects: &'a Dialects,
}

/// Who answers a request before and after; `None`: nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ends {
    before: Option<String>,
    after: Option<String>,
}

impl Ends {
    fn differ(&self) -> bool {
        self.before != self.after
    }

    /// Whether somebody who hears of these over HTTPS need not hear of those over HTTP: the same comes of both, or both
    /// come or go, whatever HTTP is redirected to meanwhile.
    fn implies(&self, http: &Self) -> bool {
        let is_nobody = |a: &Option<String>, b: &Option<String>| a.is_none() && b.is_none();
        self == http || self.differ() && (is_nobody(&self.before, &http.before) || is_nobody(&self.after, &http.after))
    }
}

/// Nobody can say who answers.
struct Unsaid;

/// Compare what requests come to in two states of a cluster that differ in these Ingresses, and in whatever else.
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

/// The hosts for which an Ingress may answer.
fn hosts(ingress: &Ingress) -> impl Iterator<Item = Host> {
    let bare = (ingress.rules.is_empty() && ingress.default_backend.is_some()).then_some(Host::Any);
    let aliases = NginxAnnotations::of(ingress).server_aliases().map(Host::parse);
    ingress.rules.iter().map(|rule| rule.host.clone()).chain(aliases).chain(bare)
}

/// The paths of an Ingress that a host has.
fn paths_on<'a>(host: &Host, ingress: &'a Ingress) -> impl Iterator<Item = PathRef<'a>> {
    let is_alias = NginxAnnotations::of(ingress).server_aliases().any(|alias| Host::parse(alias) == *host);
    ingress.paths().filter(move |at| is_alias || at.rule.host.covers(host))
}

/// What changes on a host of the controller of a class; whether everything could be compared.
fn compare(
    host: &Host,
    (class, namespace): (ClassRef<'_>, &str),
    sides: [Side<'_>; 2],
    left: &mut usize,
) -> (Vec<RouteChange>, bool) {
    if *left == 0 {
        return (Vec::new(), false);
    }
    let name = sample_host(host);
    let asked = Host::parse(&name);
    // The paths of whoever may answer for it: what one of them loses another has won.
    let mut groups: BTreeSet<Vec<String>> = BTreeSet::from([vec!["/".to_owned()]]);
    for side in sides {
        let Some(ingresses) = concerned(&asked, side.view) else { return (Vec::new(), false) };
        let paths = ingresses.iter().flat_map(|ingress| paths_on(&asked, ingress));
        groups.extend(paths.take(PATHS + 1).map(path_samples));
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
                // What is below a path mostly goes where the path does.
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

/// Who answers a request, in words; `None`: the default backend.
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
            Some(Refusal { status, annotation }) => Some(format!("{status} for a mistake in {annotation}")),
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
                Backend::Resource => format!("the resource of Ingress {}", of.0.meta.key),
            };
            match path {
                Rewritten::To(path) => format!("{service} as {}", String::from_utf8_lossy(path)),
                _ => service,
            }
        }
    })
}

impl fmt::Display for RouteChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = one_line(&self.url);
        match [&self.before, &self.after].map(|end| end.as_deref().map(one_line)) {
            [Some(before), Some(after)] => write!(f, "GET {url} moves from {before} to {after}"),
            [None, Some(after)] => write!(f, "GET {url} is new: {after}"),
            [Some(before), None] => write!(f, "GET {url} is gone: 404 instead of {before}"),
            [None, None] => write!(f, "GET {url} stays 404"),
        }
    }
}
