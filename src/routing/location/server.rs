//! The server block that ingress-nginx renders for one host, with its locations in order, from the rules of every Ingress.
//! Sections 2.1 to 2.6.

use std::borrow::Cow;
use std::cell::OnceCell;

use foldhash::{HashMap, HashMapExt as _, HashSet};

use super::dropped::{Dropped, DroppedBecause};
use super::pattern::literal_prefix;
use super::rules::{Claim, Rewriting};
use crate::budget::{Budget, BudgetExceeded};
use crate::model::{Backend, Host, Ingress, Path, PathRef, PathType};
use crate::routing::annotations::{NginxAnnotations, Refusal};
use crate::routing::path_matching::PathMeaning;

/// The server block of one host.
#[derive(Debug)]
pub struct Server<'a> {
    /// The host; [`Host::Any`] is the server `_`, which serves every other host.
    pub host: Host,
    /// The locations in the order of the configuration.
    pub locations: Vec<Location<'a>>,
    /// Some location enables regex matching, so all locations are regexes (section 2.6).
    pub is_regex: bool,
    /// Every request returns 403: the configuration then has no location of this server (section 5.7). The locations are those
    /// that it would have.
    pub forbidden: Option<Refusal>,
    /// The paths without a location.
    pub dropped: Vec<Dropped<'a>>,
    /// A request without the trailing slash of a location redirects to it (section 2.7); not in Kubernetes' own rules.
    pub(crate) redirects_to_slash: bool,
    /// The paths that more than their location matches, or that no location matches; not on nginx.
    pub(crate) specials: Vec<Special<'a>>,
    without_location: HashSet<*const Path>,
    exact: Vec<usize>,
    prefix: Vec<usize>,
    /// The literal prefix of regexes, in lower case → the locations with such regexes, in order.
    patterns: OnceCell<HashMap<Box<[u8]>, Vec<usize>>>,
}

/// One location.
#[derive(Debug, Clone)]
pub struct Location<'a> {
    /// The path as it is rendered.
    pub path: Cow<'a, str>,
    /// How it is matched.
    pub modifier: Modifier,
    /// The Ingress whose annotations apply; `None` for the controller's own `/`.
    pub ingress: Option<&'a Ingress>,
    /// The path that created it; `None` for the implicit `/`.
    pub at: Option<PathRef<'a>>,
    /// The backend; `None` for the controller's default backend.
    pub backend: Option<&'a Backend>,
    /// `rewrite-target`, if it has an effect here (section 3.1).
    pub target: Option<&'a str>,
    /// It is the exact companion location of a Prefix path, for the path itself (section 2.5).
    pub is_exact_companion: bool,
    /// It enables regex matching for the whole host.
    pub enables_regex: bool,
    /// Every request returns 503, and the location neither rewrites nor proxies (section 7.0).
    pub refusal: Option<Refusal>,
    /// Annotations do not rewrite or redirect here: the catch-all of a `defaultBackend` without rules (section 2.3), and
    /// controllers that do not read nginx annotations.
    only_backend: bool,
    rewriting: Rewriting<'a>,
}

/// A path that a controller matches by a rule of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Special<'a> {
    /// The place of its location.
    pub(crate) location: usize,
    /// The requests that it matches.
    pub(crate) by: PathMeaning<'a>,
}

/// How a location is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Modifier {
    /// `= "/path"`
    Exact,
    /// `"/path"`, the longest wins.
    Prefix,
    /// `~* "^/path"`, the first wins.
    Regex,
    /// By a rule of a controller other than nginx.
    Special,
}

/// A location before Prefix paths are split and regex matching is decided.
struct PendingLocation<'a> {
    path: &'a str,
    exact: bool,
    ingress: Option<&'a Ingress>,
    at: Option<PathRef<'a>>,
    backend: Option<&'a Backend>,
    only_backend: bool,
    rewriting: Rewriting<'a>,
    refusal: Option<Refusal>,
    /// No path created it; the first path `/` replaces it.
    implicit: bool,
}

impl<'a> Server<'a> {
    /// Renders the server block of these rules; `None`: no Ingress creates one. `is_canary_upstream` returns
    /// whether a canary was the first to use a Service and port (section 7.1).
    ///
    /// # Errors
    /// Those of `is_canary_upstream`.
    pub fn of(
        host: &Host,
        claims: &[Claim<'a>],
        is_canary_upstream: impl Fn(&'a Ingress, &'a Backend) -> Result<bool, BudgetExceeded>,
    ) -> Result<Option<Self>, BudgetExceeded> {
        let Some(implicit) = implicit(host, claims) else { return Ok(None) };
        let mut pending = vec![implicit];
        let mut dropped = Vec::new();
        // Only the first location with the same text counts, whatever its type (section 2.4, B3).
        let mut first: HashMap<&str, usize> = HashMap::from_iter([("/", 0)]);
        for Claim { ingress, rule, rewriting, refusal, .. } in claims {
            for at in rule.iter().flat_map(|rule| rule.paths()) {
                let backend = &*at.path.backend;
                let mut drop = |why| dropped.push(Dropped { ingress, at, why });
                if *backend == Backend::Resource {
                    drop(DroppedBecause::Resource);
                    continue;
                }
                if is_canary_upstream(ingress, backend)? {
                    // The rule of a canary may be for another host: see `Routes::claims`.
                    if at.rule.host == *host {
                        drop(DroppedBecause::CanaryUpstream);
                    }
                    continue;
                }
                let draft = PendingLocation {
                    path: at.path.routed(),
                    exact: at.path.path_type == PathType::Exact,
                    ingress: Some(ingress),
                    at: Some(at),
                    backend: Some(backend),
                    only_backend: false,
                    rewriting: *rewriting,
                    refusal: refusal.map(Refusal::of_location),
                    implicit: false,
                };
                let known = first.get(draft.path).copied().filter(|known| pending[*known].exact == draft.exact);
                match known {
                    Some(known) if pending[known].implicit => pending[known] = draft,
                    Some(known) => {
                        // The catch-all `/` of a defaultBackend has no path, but an Ingress.
                        drop(DroppedBecause::Duplicate(pending[known].ingress.unwrap_or(ingress)));
                    }
                    None => {
                        first.entry(draft.path).or_insert(pending.len());
                        pending.push(draft);
                    }
                }
            }
        }
        pending.sort_by(|a, b| b.path.len().cmp(&a.path.len()).then_with(|| b.path.cmp(a.path)));
        let forbidden = claims.iter().find_map(Claim::forbids);
        Ok(Some(Self { forbidden, ..Self::render(host, &pending, dropped) }))
    }

    fn render(host: &Host, pending: &[PendingLocation<'a>], dropped: Vec<Dropped<'a>>) -> Self {
        let exacts: HashSet<&str> = pending.iter().filter(|draft| draft.exact).map(|draft| draft.path).collect();
        let mut locations = Vec::with_capacity(2 * pending.len());
        for draft in pending {
            let location = Location::of(draft);
            let stays = draft.exact || draft.path == "/" || location.enables_regex;
            if stays {
                locations.push(location);
                continue;
            }
            let mut prefix = Location { modifier: Modifier::Prefix, ..location.clone() };
            if !draft.path.ends_with('/') {
                prefix.path = Cow::Owned(format!("{}/", draft.path));
            }
            prefix.retarget();
            locations.push(prefix);
            if !exacts.contains(draft.path) {
                locations.push(Location { modifier: Modifier::Exact, is_exact_companion: true, ..location });
            }
        }
        let is_regex = locations.iter().any(|location| location.enables_regex);
        if is_regex {
            for location in &mut locations {
                location.modifier = Modifier::Regex;
            }
        }
        Self { is_regex, ..Self::new(host, locations, dropped) }
    }

    /// Creates a server with these locations, none of them a regex.
    pub(crate) fn new(host: &Host, locations: Vec<Location<'a>>, dropped: Vec<Dropped<'a>>) -> Self {
        let sorted = |modifier| {
            let mut of: Vec<usize> = (0..locations.len()).filter(|i| locations[*i].modifier == modifier).collect();
            of.sort_by(|a, b| locations[*a].path.cmp(&locations[*b].path));
            of
        };
        let without_location = dropped.iter().map(|dropped| std::ptr::from_ref(dropped.at.path)).collect();
        let (exact, prefix) = (sorted(Modifier::Exact), sorted(Modifier::Prefix));
        Self {
            host: host.clone(),
            locations,
            is_regex: false,
            forbidden: None,
            dropped,
            redirects_to_slash: true,
            specials: Vec::new(),
            without_location,
            exact,
            prefix,
            patterns: OnceCell::new(),
        }
    }

    /// Returns whether a path has a location.
    #[must_use]
    pub fn locates(&self, at: PathRef<'_>) -> bool {
        self.locations.iter().any(|location| location.at.is_some_and(|own| own.is_same(at)))
    }

    /// Returns whether a path has no location.
    #[must_use]
    pub fn has_dropped(&self, at: PathRef<'_>) -> bool {
        self.without_location.contains(&std::ptr::from_ref(at.path))
    }

    /// Returns the location of a main Ingress that a canary path shares (section 7.1).
    #[must_use]
    pub fn shared_with(&self, canary: PathRef<'_>) -> Option<&Location<'a>> {
        let is_exact = |path: &Path| path.path_type == PathType::Exact;
        let is_same =
            |at: PathRef<'_>| at.path.routed() == canary.path.routed() && is_exact(at.path) == is_exact(canary.path);
        self.locations.iter().find(|location| location.at.is_some_and(is_same))
    }

    /// Returns the location with this path that is not a regex.
    pub(crate) fn plain(&self, modifier: Modifier, path: &[u8]) -> Option<&Location<'a>> {
        let sorted = if modifier == Modifier::Exact { &self.exact } else { &self.prefix };
        // The first of several: nginx rejects the configuration anyway.
        let at = sorted.partition_point(|at| self.locations[*at].path.as_bytes() < path);
        sorted.get(at).map(|at| &self.locations[*at]).filter(|location| location.path.as_bytes() == path)
    }

    /// Returns the locations whose regex may match this path by its literal prefix, in order.
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub(crate) fn patterns_for(&self, uri: &[u8], budget: &Budget) -> Result<Vec<usize>, BudgetExceeded> {
        // Each beginning of the path is looked up.
        budget.spend(u32::try_from(uri.len().saturating_mul(2 + uri.len() / 256)).unwrap_or(u32::MAX))?;
        if self.patterns.get().is_none() {
            let bytes: usize = self.locations.iter().map(|location| 8 + location.path.len() / 8).sum();
            budget.spend(u32::try_from(bytes).unwrap_or(u32::MAX))?;
        }
        let patterns = self.patterns.get_or_init(|| {
            let mut patterns: HashMap<Box<[u8]>, Vec<usize>> = HashMap::new();
            for (at, location) in self.locations.iter().enumerate() {
                let literal = literal_prefix(&location.path).to_ascii_lowercase();
                patterns.entry(literal.into_bytes().into_boxed_slice()).or_default().push(at);
            }
            patterns
        });
        let uri = uri.to_ascii_lowercase();
        let starts = (0..=uri.len()).filter_map(|length| patterns.get(&uri[..length]));
        let mut found: Vec<usize> = starts.flatten().copied().collect();
        budget.spend(u32::try_from(found.len()).unwrap_or(u32::MAX))?;
        found.sort_unstable();
        Ok(found)
    }

    /// Returns the pairs of locations for which nginx rejects the configuration: "duplicate location" (section 2.8, B1 to
    /// B3).
    pub fn duplicates(&self) -> impl Iterator<Item = (&Location<'a>, &Location<'a>)> {
        let of = |sorted: &'_ [usize]| sorted.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>();
        let pairs = of(&self.exact).into_iter().chain(of(&self.prefix));
        let pairs = pairs.map(|(a, b)| (&self.locations[a], &self.locations[b]));
        pairs.filter(|(a, b)| a.path == b.path)
    }
}

impl<'a> Location<'a> {
    /// Creates a location that annotations do not rewrite or redirect.
    pub(crate) fn plain(
        path: Cow<'a, str>,
        modifier: Modifier,
        ingress: &'a Ingress,
        at: Option<PathRef<'a>>,
        backend: &'a Backend,
    ) -> Self {
        Self {
            path,
            modifier,
            ingress: Some(ingress),
            at,
            backend: Some(backend),
            target: None,
            is_exact_companion: false,
            enables_regex: false,
            refusal: None,
            only_backend: true,
            rewriting: Rewriting::default(),
        }
    }

    fn of(draft: &PendingLocation<'a>) -> Self {
        let mut location = Self {
            path: Cow::Borrowed(draft.path),
            modifier: if draft.exact { Modifier::Exact } else { Modifier::Prefix },
            ingress: draft.ingress,
            at: draft.at,
            backend: draft.backend,
            target: None,
            is_exact_companion: false,
            enables_regex: false,
            refusal: draft.refusal,
            only_backend: draft.only_backend,
            rewriting: draft.rewriting,
        };
        location.retarget();
        location
    }

    /// Sets whether it rewrites. A rewrite to the location's own path has no effect, and a trailing slash changes that path.
    fn retarget(&mut self) {
        let Rewriting { target, use_regex, .. } = self.rewriting;
        self.target = target.filter(|target| **target != *self.path);
        self.enables_regex = self.target.is_some() || use_regex;
    }

    /// Returns whether its Ingress redirects `/` of the host (section 3.4).
    pub(crate) fn has_app_root(&self) -> bool {
        self.rewriting.has_app_root && self.ingress.is_some() && !self.only_backend
    }

    /// Returns the annotations that rewrite or redirect its requests.
    #[must_use]
    pub fn annotations(&self) -> Option<NginxAnnotations<'a>> {
        self.ingress.filter(|_| !self.only_backend).map(NginxAnnotations::of)
    }

    /// Returns the location directive as the controller renders it.
    #[must_use]
    pub fn directive(&self) -> String {
        match self.modifier {
            Modifier::Exact => format!("= {:?}", self.path),
            Modifier::Prefix | Modifier::Special => format!("{:?}", self.path),
            Modifier::Regex => format!("~* \"^{}\"", self.path),
        }
    }
}

/// Returns the implicit `/` of a server (section 2.3): the default backend of the oldest Ingress of the host.
fn implicit<'a>(host: &Host, claims: &[Claim<'a>]) -> Option<PendingLocation<'a>> {
    let mut main = claims.iter().filter(|claim| !claim.is_canary);
    let bare = PendingLocation {
        path: "/",
        exact: false,
        ingress: None,
        at: None,
        backend: None,
        only_backend: false,
        rewriting: Rewriting::default(),
        refusal: None,
        implicit: true,
    };
    let fallback = |ingress: &'a Ingress| ingress.default_backend.as_ref().filter(|it| **it != Backend::Resource);
    if *host != Host::Any {
        let Claim { ingress, rewriting, refusal, .. } = *main.next()?;
        let refusal = refusal.map(Refusal::of_location);
        return Some(PendingLocation {
            ingress: Some(ingress),
            backend: fallback(ingress),
            rewriting,
            refusal,
            ..bare
        });
    }
    let catch_all = main.find(|claim| claim.rule.is_none() && fallback(claim.ingress).is_some());
    Some(match catch_all {
        // Of its annotations only those that rewrite and redirect do not apply (`createServers`).
        Some(Claim { ingress, refusal, .. }) => PendingLocation {
            ingress: Some(ingress),
            backend: fallback(ingress),
            refusal: refusal.map(Refusal::of_location),
            only_backend: true,
            implicit: false,
            ..bare
        },
        None => bare,
    })
}
