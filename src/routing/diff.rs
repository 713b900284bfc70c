//! Requests whose outcome changes when files are applied: samples of every path on the affected hosts, answered before and
//! after.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{Outcome, Scheme};
use super::controller::{ControllerId, Controllers};
use super::location::{host_name, path_samples, sample_host};
use super::routes::{Routes, When};
use crate::cluster::Lookup;
use crate::finding::one_line;
use crate::model::{ClassRef, Host, Ingress, PathRef};

/// The number of changes that are listed.
const MAX_CHANGES: usize = 50;
/// The number of paths of one host that are compared.
const MAX_PATHS: usize = 1000;
/// The number of sample requests in all.
const MAX_REQUESTS: usize = 20_000;

/// The requests whose outcome changes.
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

/// A request whose outcome changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteChange {
    /// The URL; `any` stands for every label and host that has no rule of its own. HTTP is listed where its change differs
    /// from that of HTTPS.
    pub url: String,
    /// The outcome now, e.g. `Service shop/web:80`; `null`: 404 from the default backend.
    pub before: Option<String>,
    /// The outcome once the files are applied.
    pub after: Option<String>,
}

/// The outcomes of one request before and after, in words; `None`: 404 from the default backend.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answers {
    before: Option<String>,
    after: Option<String>,
}

impl Answers {
    fn differ(&self) -> bool {
        self.before != self.after
    }

    /// Returns whether a change over HTTPS makes that over HTTP redundant: both are equal, or both appear or disappear,
    /// whatever HTTP is redirected to meanwhile.
    fn implies(&self, http: &Self) -> bool {
        let are_absent = |a: &Option<String>, b: &Option<String>| a.is_none() && b.is_none();
        self == http
            || self.differ() && (are_absent(&self.before, &http.before) || are_absent(&self.after, &http.after))
    }
}

/// The outcome of a request is unknown.
struct UnknownAnswer;

impl RouteChanges {
    /// Compares two states of a cluster on the hosts of the Ingresses that differ, each given as it is stored before and
    /// after. Reads ConfigMaps, Ingresses and IngressClasses.
    #[must_use]
    pub fn between<'i>(
        ingresses: impl IntoIterator<Item = &'i Ingress>,
        before: Controllers<'_>,
        after: Controllers<'_>,
    ) -> Self {
        let mut affected: BTreeSet<(Host, ClassRef<'_>, &str)> = BTreeSet::new();
        for ingress in ingresses {
            let namespace = &*ingress.meta.key.namespace;
            affected.extend(hosts(ingress).map(|host| (host, ingress.class_ref(), namespace)));
        }
        let mut diff = Comparison { sides: [before, after], requests_left: MAX_REQUESTS, changes: BTreeSet::new() };
        let mut not_compared = BTreeSet::new();
        for (host, class, namespace) in &affected {
            if !diff.compare_host(host, *class, namespace) {
                not_compared.insert(host);
            }
        }
        let changes = diff.changes;
        Self {
            more: changes.len().saturating_sub(MAX_CHANGES),
            changes: changes.into_iter().take(MAX_CHANGES).collect(),
            not_compared: not_compared.len(),
        }
    }
}

/// Returns the hosts whose requests an Ingress may serve.
fn hosts(ingress: &Ingress) -> impl Iterator<Item = Host> {
    let bare = (ingress.rules.is_empty() && ingress.default_backend.is_some()).then_some(Host::Any);
    let aliases = ingress.meta.annotations.server_aliases().map(Host::parse);
    ingress.rules.iter().map(|rule| rule.host.clone()).chain(aliases).chain(bare)
}

/// Returns the paths of an Ingress on a host.
fn paths_on<'a>(host: &Host, ingress: &'a Ingress) -> impl Iterator<Item = PathRef<'a>> {
    let is_alias = ingress.meta.annotations.server_aliases().any(|alias| Host::parse(alias) == *host);
    ingress.paths().filter(move |at| is_alias || at.rule.host.covers(host))
}

/// A comparison of two states of a cluster.
struct Comparison<'a> {
    sides: [Controllers<'a>; 2],
    requests_left: usize,
    changes: BTreeSet<RouteChange>,
}

/// The answers of one host to the sample requests so far, over HTTPS and HTTP.
type KnownAnswers<'p> = BTreeMap<&'p str, [Answers; 2]>;

impl Comparison<'_> {
    /// Adds the changes on a host of the controller of a class; returns whether the host was compared completely.
    fn compare_host(&mut self, host: &Host, class: ClassRef<'_>, namespace: &str) -> bool {
        let name = sample_host(host);
        let Some(groups) = self.sample_groups(&Host::parse(&name)).filter(|_| self.requests_left > 0) else {
            return false;
        };
        let routes = self.sides.map(|side| Routes::of(side, side.of_class(class, namespace), None));
        let mut known = KnownAnswers::new();
        let mut is_complete = groups.len() <= MAX_PATHS;
        for group in groups.iter().take(MAX_PATHS) {
            for path in group {
                if known.contains_key(&**path) {
                    continue;
                }
                if self.requests_left == 0 {
                    return false;
                }
                self.requests_left -= 1;
                match answers(&routes, &name, path) {
                    Ok(answers) => drop(known.insert(path, answers)),
                    Err(UnknownAnswer) => is_complete = false,
                }
            }
            self.changes.extend(changes(&name, group, &known));
        }
        is_complete
    }

    /// Returns sample requests for each path of every Ingress that may serve a host: a request that one of them loses is
    /// served by another one.
    fn sample_groups(&self, host: &Host) -> Option<BTreeSet<Vec<String>>> {
        let mut groups: BTreeSet<Vec<String>> = BTreeSet::from([vec!["/".to_owned()]]);
        for side in self.sides {
            let ingresses = side.candidates_for(host)?;
            let paths = ingresses.iter().flat_map(|ingress| paths_on(host, ingress));
            groups.extend(paths.take(MAX_PATHS + 1).map(path_samples));
        }
        Some(groups)
    }
}

/// Returns the changes among the sample requests of one path. A request below a path mostly changes as the path does: it is
/// not listed again.
fn changes(host: &str, group: &[String], known: &KnownAnswers<'_>) -> Vec<RouteChange> {
    let mut changes = Vec::new();
    let mut listed = [None; 2];
    for path in group {
        let Some(answers @ [https, http]) = known.get(&**path) else { continue };
        let is_news = [https.differ(), http.differ() && !https.implies(http)];
        for (at, scheme) in ["https", "http"].into_iter().enumerate() {
            if is_news[at] && listed[at] != Some(&answers[at]) {
                let Answers { before, after } = answers[at].clone();
                changes.push(RouteChange { url: format!("{scheme}://{host}{path}"), before, after });
                listed[at] = Some(&answers[at]);
            }
        }
    }
    changes
}

/// Returns the answers to a request over HTTPS and over HTTP.
fn answers(routes: &[Routes<'_>; 2], host: &str, path: &str) -> Result<[Answers; 2], UnknownAnswer> {
    let [before, after] = routes;
    let of = |scheme| {
        let before = answer(before, scheme, host, path)?;
        Ok::<_, UnknownAnswer>(Answers { before, after: answer(after, scheme, host, path)? })
    };
    Ok([of(Scheme::Https)?, of(Scheme::Http)?])
}

/// Returns the answer to a request in words; `None`: 404 from the default backend.
fn answer(routes: &Routes<'_>, scheme: Scheme, host: &str, path: &str) -> Result<Option<String>, UnknownAnswer> {
    match routes.controller().id {
        ControllerId::Unknown => return Err(UnknownAnswer),
        ControllerId::None => return Ok(None),
        ControllerId::Named(_) | ControllerId::Unnamed => {}
    }
    let claims = routes.claims(&Host::parse(&host_name(host)), When::After).found().unwrap_or_default();
    if claims.iter().any(|claim| routes.controllers().unsettled(claim.ingress).is_some()) {
        return Err(UnknownAnswer);
    }
    match routes.answer(scheme, host, path, When::After) {
        Ok(Lookup::Found(answer)) => Ok(match (routes.refusal(&answer), &answer.outcome) {
            (Some(refusal), _) => Some(refusal.to_string()),
            (None, Outcome::DefaultBackend) => None,
            (None, Outcome::Unknown) => return Err(UnknownAnswer),
            (None, outcome) => Some(outcome.to_string()),
        }),
        Ok(Lookup::Absent) => Ok(None),
        Ok(Lookup::Unknown) | Err(_) => Err(UnknownAnswer),
    }
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
