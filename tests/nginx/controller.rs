//! An independent reimplementation of ingress-nginx, as simple as possible: it iterates over every Ingress, rule and
//! location as the controller does. It shares no code with `src/routing`; the test compares the two.
//!
//! Facts by section of `docs/ingress-nginx.md`, names of functions as in the controller's source.

use std::collections::{BTreeMap, BTreeSet};

use crate::annotations::{Annotations, is_canary, is_loaded};
use crate::world::{Backend, Ingress, Port, World};

/// A server block.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// `_` for the default server.
    pub(crate) host: String,
    pub(crate) aliases: BTreeSet<String>,
    pub(crate) locations: Vec<Location>,
    pub(crate) is_regex: bool,
    /// The index of the Ingress because of which every request is answered with 403. The server has no locations then.
    pub(crate) forbidden_by: Option<usize>,
    /// `ssl-ciphers`
    pub(crate) ciphers: Option<String>,
    /// An Ingress has `from-to-www-redirect`.
    redirects_www: bool,
}

/// A location block.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(crate) path: String,
    pub(crate) is_exact: bool,
    /// The index of its Ingress.
    pub(crate) ingress: Option<usize>,
    /// The indexes of its rule and path; `None` for the `/` that every server has.
    pub(crate) at: Option<(usize, usize)>,
    /// Whether it is the exact companion of a Prefix location.
    pub(crate) is_exact_companion: bool,
    /// `None`: the controller's default backend.
    pub(crate) backend: Option<(usize, Backend)>,
    pub(crate) annotations: Annotations,
    pub(crate) source: Source,
    is_default: bool,
}

/// What answers the requests that a location passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The Service of the location, or the controller's default backend.
    Own,
    /// The Service of annotation `default-backend`.
    Fallback,
    /// Nothing: 503.
    Nothing,
    /// The default backend in place of 503: 404.
    ErrorPage,
}

/// The configuration that the controller generates for a world.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// In the order of the generated configuration.
    pub(crate) servers: Vec<Server>,
    /// The names that only redirect, and the index of the server to which they do.
    pub(crate) redirects: Vec<(String, usize)>,
    /// Whether the path of a canary went to `_` because no other Ingress has its host.
    pub(crate) has_strays: bool,
    /// Whether any Ingress is ordinary, not a canary.
    pub(crate) has_main: bool,
    /// Whether the controller crashes instead of writing it: `mergeAlternativeBackends` reads every rule of a canary.
    pub(crate) crashes: bool,
}

impl Location {
    /// `needsRewrite`
    pub(crate) fn rewrites(&self) -> bool {
        !self.annotations.target.is_empty() && self.annotations.target != self.path
    }
}

/// `upstreamName`
fn upstream(namespace: &str, backend: Backend) -> Option<String> {
    match backend {
        Backend::Service(name, Port::Number(number)) => Some(format!("{namespace}-{name}-{number}")),
        Backend::Service(name, Port::Name(port)) => Some(format!("{namespace}-{name}-{port}")),
        Backend::Resource => None,
    }
}

pub(crate) fn configuration(world: &World) -> Configuration {
    with_strays(world, true)
}

/// The configuration as far as a review reads it: without the rules of canaries that go to `_`.
pub(crate) fn without_strays(world: &World) -> Configuration {
    with_strays(world, false)
}

fn with_strays(world: &World, keeps_strays: bool) -> Configuration {
    let mut order: Vec<usize> = (0..world.ingresses.len()).filter(|at| is_loaded(&world.ingresses[*at])).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&world.ingresses[*a], &world.ingresses[*b]);
        a.second.cmp(&b.second).then_with(|| b.key().cmp(&a.key()))
    });
    let ordered = || order.iter().map(|number| (*number, &world.ingresses[*number]));
    let without_server = upstreams_without_server(ordered());
    let mut servers = create_servers(ordered());
    add_aliases(&mut servers, ordered());
    let has_strays = add_locations(&mut servers, ordered(), &without_server, keeps_strays);
    let servers: Vec<Server> = servers.into_values().map(finished).collect();
    let redirects = redirects(&servers);
    let has_main = ordered().any(|(_, ingress)| !is_canary(ingress));
    let mut canaries = ordered().filter(|(_, ingress)| is_canary(ingress));
    let crashes = has_main && canaries.any(|(_, ingress)| ingress.rules.iter().any(|rule| rule.paths.is_empty()));
    Configuration { servers, redirects, has_strays, has_main, crashes }
}

/// `BuildRedirects`
fn redirects(servers: &[Server]) -> Vec<(String, usize)> {
    let redirecting = servers.iter().enumerate().filter(|(_, server)| server.redirects_www);
    let names = redirecting.map(|(number, Server { host, .. })| {
        (host.strip_prefix("www.").map_or_else(|| format!("www.{host}"), str::to_owned), number)
    });
    names.filter(|(name, _)| servers.iter().all(|server| server.host != *name)).collect()
}

/// `createUpstreams`: returns the upstreams created by a canary.
fn upstreams_without_server<'a>(ingresses: impl Iterator<Item = (usize, &'a Ingress)>) -> BTreeSet<String> {
    let mut made: BTreeMap<String, bool> = BTreeMap::new();
    for (_, ingress) in ingresses {
        // The upstream of a default backend is created again each time.
        if let Some(name) = ingress.default_backend.and_then(|backend| upstream(ingress.namespace, backend)) {
            made.insert(name, is_canary(ingress));
        }
        for path in ingress.rules.iter().flat_map(|rule| &rule.paths) {
            if let Some(name) = upstream(ingress.namespace, path.backend) {
                made.entry(name).or_insert(is_canary(ingress));
            }
        }
    }
    made.into_iter().filter(|(_, is_canary)| *is_canary).map(|(name, _)| name).collect()
}

fn hostname(host: &str) -> &str {
    if host.is_empty() { "_" } else { host }
}

/// `createServers`. The map has the order of the generated servers.
fn create_servers<'a>(ingresses: impl Iterator<Item = (usize, &'a Ingress)>) -> BTreeMap<String, Server> {
    let root = |ingress, backend, annotations| Location {
        path: "/".to_owned(),
        is_exact: false,
        ingress,
        at: None,
        is_exact_companion: false,
        backend,
        source: source(backend, &annotations),
        annotations,
        is_default: true,
    };
    let server = |host: &str, root| Server {
        host: host.to_owned(),
        aliases: BTreeSet::new(),
        locations: vec![root],
        is_regex: false,
        forbidden_by: None,
        ciphers: None,
        redirects_www: false,
    };
    let mut servers = BTreeMap::from([("_".to_owned(), server("_", root(None, None, Annotations::default())))]);
    for (number, ingress) in ingresses.filter(|(_, ingress)| !is_canary(ingress)) {
        let fallback = ingress.default_backend.filter(|backend| *backend != Backend::Resource);
        let fallback = fallback.map(|backend| (number, backend));
        let catch_all = &mut servers.get_mut("_").unwrap().locations[0];
        if fallback.is_some() && ingress.rules.is_empty() && catch_all.is_default {
            let annotations = Annotations::of(ingress).without_rewrite_and_redirect();
            *catch_all = Location { is_default: false, ..root(Some(number), fallback, annotations) };
        }
        for rule in &ingress.rules {
            let host = hostname(rule.host);
            if !servers.contains_key(host) {
                let root = root(Some(number), fallback, Annotations::of(ingress));
                servers.insert(host.to_owned(), server(host, root));
            }
        }
    }
    servers
}

/// The last part of `createServers`.
fn add_aliases<'a>(servers: &mut BTreeMap<String, Server>, ingresses: impl Iterator<Item = (usize, &'a Ingress)>) {
    for (_, ingress) in ingresses.filter(|(_, ingress)| !is_canary(ingress)) {
        let aliases = ingress.annotation("server-alias").unwrap_or_default();
        let aliases: BTreeSet<String> =
            aliases.split(',').map(str::trim).filter(|alias| !alias.is_empty()).map(str::to_owned).collect();
        for rule in &ingress.rules {
            let server = servers.get_mut(hostname(rule.host)).unwrap();
            if server.aliases.is_empty() {
                server.aliases.clone_from(&aliases);
            }
            server.ciphers = server.ciphers.take().or_else(|| ingress.annotation("ssl-ciphers").map(str::to_owned));
        }
    }
    let hosts: BTreeSet<String> = servers.keys().cloned().collect();
    for server in servers.values_mut() {
        server.aliases.retain(|alias| !hosts.contains(alias));
    }
}

/// `getBackendServers`
fn add_locations<'a>(
    servers: &mut BTreeMap<String, Server>,
    ingresses: impl Iterator<Item = (usize, &'a Ingress)>,
    without_server: &BTreeSet<String>,
    keeps_strays: bool,
) -> bool {
    let mut has_strays = false;
    for (number, ingress) in ingresses {
        let annotations = Annotations::of(ingress);
        for (rule_number, rule) in ingress.rules.iter().enumerate() {
            let host = hostname(rule.host);
            if rule.paths.is_empty() && host != "_" {
                continue;
            }
            let is_stray = !servers.contains_key(host);
            if is_stray && !keeps_strays {
                continue;
            }
            has_strays |= annotations.is_forbidden && is_stray;
            let server = servers.get_mut(if is_stray { "_" } else { host }).unwrap();
            server.forbidden_by = server.forbidden_by.or(annotations.is_forbidden.then_some(number));
            for (path_number, path) in rule.paths.iter().enumerate() {
                let Some(upstream) = upstream(ingress.namespace, path.backend) else { continue };
                if without_server.contains(&upstream) {
                    continue;
                }
                has_strays |= is_stray;
                let locations = &mut server.locations;
                let new = Location {
                    path: if path.text.path.is_empty() { "/".to_owned() } else { path.text.path.clone() },
                    is_exact: path.kind == "Exact",
                    ingress: Some(number),
                    at: Some((rule_number, path_number)),
                    is_exact_companion: false,
                    backend: Some((number, path.backend)),
                    source: source(Some((number, path.backend)), &annotations),
                    annotations: annotations.clone(),
                    is_default: false,
                };
                let before = (locations.len(), locations.iter().filter(|location| location.is_default).count());
                match locations.iter_mut().find(|known| known.path == new.path) {
                    Some(known) if known.is_exact != new.is_exact => locations.push(new),
                    Some(known) if known.is_default => *known = new,
                    Some(_) => {}
                    None => locations.push(new),
                }
                let after = (locations.len(), locations.iter().filter(|location| location.is_default).count());
                server.redirects_www |= annotations.redirects_www && before != after;
            }
        }
    }
    has_strays
}

/// The end of `getBackendServers`: an upstream without endpoints gets those of `default-backend`, if it has some.
fn source(backend: Option<(usize, Backend)>, annotations: &Annotations) -> Source {
    match backend {
        Some((_, Backend::Service("gone" | "idle", _))) if annotations.has_fallback => Source::Fallback,
        Some((_, Backend::Service("gone" | "idle", _))) if annotations.errors.contains(&503) => Source::ErrorPage,
        Some((_, Backend::Service("gone" | "idle", _))) => Source::Nothing,
        _ => Source::Own,
    }
}

/// The sorting at the end of `getBackendServers`, `updateServerLocations`, `enforceRegexModifier`.
fn finished(mut server: Server) -> Server {
    server.locations.sort_by(|a, b| b.path.cmp(&a.path));
    server.locations.sort_by_key(|location| std::cmp::Reverse(location.path.len()));
    let exact: BTreeSet<String> =
        server.locations.iter().filter(|it| it.is_exact).map(|location| location.path.clone()).collect();
    let mut locations = Vec::new();
    for mut location in server.locations {
        if location.path == "/" || location.is_exact || location.rewrites() || location.annotations.use_regex {
            locations.push(location);
            continue;
        }
        let twin = Location { is_exact: true, is_exact_companion: true, ..location.clone() };
        if !location.path.ends_with('/') {
            location.path.push('/');
        }
        locations.push(location);
        if !exact.contains(&twin.path) {
            locations.push(twin);
        }
    }
    let is_regex = locations.iter().any(|location| location.rewrites() || location.annotations.use_regex);
    Server { locations, is_regex, ..server }
}
