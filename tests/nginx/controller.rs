//! An independent reimplementation of ingress-nginx, as simple as possible: it iterates over every Ingress, rule and
//! location as the controller does. It shares no code with `src/routing`; the test compares the two.
//!
//! Facts by section of `docs/ingress-nginx.md`, names of functions as in the controller's source.

use std::collections::{BTreeMap, BTreeSet};

use crate::world::{Backend, Ingress, Port, World};

/// A server block.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// `_` for the default server.
    pub(crate) host: String,
    pub(crate) aliases: BTreeSet<String>,
    pub(crate) locations: Vec<Location>,
    pub(crate) is_regex: bool,
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
    is_default: bool,
}

/// The annotations of an Ingress that affect a location.
#[derive(Debug, Clone, Default)]
pub(crate) struct Annotations {
    pub(crate) target: String,
    use_regex: bool,
    pub(crate) app_root: Option<String>,
    pub(crate) redirect: Option<(u16, String)>,
    /// `relative-redirects`
    pub(crate) is_relative: bool,
}

/// The configuration that the controller generates for a world.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// In the order of the generated configuration.
    pub(crate) servers: Vec<Server>,
    /// Whether the path of a canary went to `_` because no other Ingress has its host.
    pub(crate) has_strays: bool,
}

impl Location {
    /// `needsRewrite`
    pub(crate) fn rewrites(&self) -> bool {
        !self.annotations.target.is_empty() && self.annotations.target != self.path
    }
}

/// Go's `strconv.ParseBool`.
fn is_true(ingress: &Ingress, name: &str) -> bool {
    matches!(ingress.annotation(name), Some("1" | "t" | "T" | "TRUE" | "true" | "True"))
}

fn is_canary(ingress: &Ingress) -> bool {
    is_true(ingress, "canary")
}

/// Section 3.3: a value with other characters is dropped.
fn relative(ingress: &Ingress, name: &str) -> Option<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/:$".contains(c);
    ingress.annotation(name).filter(|value| value.chars().all(is_allowed)).map(str::to_owned)
}

impl Annotations {
    fn of(ingress: &Ingress) -> Self {
        let code = |name: &str, otherwise: u16| {
            let code = ingress.annotation(name).and_then(|code| code.parse().ok());
            code.filter(|code| (300..=308).contains(code)).unwrap_or(otherwise)
        };
        // `redirect.Parse`: a value of `temporal-redirect` with another scheme ends in an error, whatever else is set.
        let redirect = match (ingress.annotation("temporal-redirect"), ingress.annotation("permanent-redirect")) {
            (Some(url), _) if url.starts_with("http") => Some((code("temporal-redirect-code", 302), url.to_owned())),
            (Some(_), _) | (None, None) => None,
            (None, Some(url)) => Some((code("permanent-redirect-code", 301), url.to_owned())),
        };
        Self {
            target: relative(ingress, "rewrite-target").unwrap_or_default(),
            use_regex: is_true(ingress, "use-regex"),
            app_root: relative(ingress, "app-root").filter(|root| root.starts_with('/')),
            redirect,
            is_relative: is_true(ingress, "relative-redirects"),
        }
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
    let mut order: Vec<usize> = (0..world.ingresses.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&world.ingresses[*a], &world.ingresses[*b]);
        a.second.cmp(&b.second).then_with(|| b.key().cmp(&a.key()))
    });
    let ordered = || order.iter().map(|number| (*number, &world.ingresses[*number]));
    let without_server = upstreams_without_server(ordered());
    let mut servers = create_servers(ordered());
    add_aliases(&mut servers, ordered());
    let has_strays = add_locations(&mut servers, ordered(), &without_server);
    let servers = servers.into_values().map(finished).collect();
    Configuration { servers, has_strays }
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
        annotations,
        is_default: true,
    };
    let server = |host: &str, root| Server {
        host: host.to_owned(),
        aliases: BTreeSet::new(),
        locations: vec![root],
        is_regex: false,
    };
    let mut servers = BTreeMap::from([("_".to_owned(), server("_", root(None, None, Annotations::default())))]);
    for (number, ingress) in ingresses.filter(|(_, ingress)| !is_canary(ingress)) {
        let fallback = ingress.default_backend.filter(|backend| *backend != Backend::Resource);
        let fallback = fallback.map(|backend| (number, backend));
        let catch_all = &mut servers.get_mut("_").unwrap().locations[0];
        if fallback.is_some() && ingress.rules.is_empty() && catch_all.is_default {
            // Neither its rewrite nor its redirect is inherited.
            *catch_all = Location { is_default: false, ..root(Some(number), fallback, Annotations::default()) };
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
) -> bool {
    let mut has_strays = false;
    for (number, ingress) in ingresses {
        for (rule_number, rule) in ingress.rules.iter().enumerate() {
            for (path_number, path) in rule.paths.iter().enumerate() {
                let Some(upstream) = upstream(ingress.namespace, path.backend) else { continue };
                if without_server.contains(&upstream) {
                    continue;
                }
                let host = hostname(rule.host);
                has_strays |= !servers.contains_key(host);
                let host = if servers.contains_key(host) { host } else { "_" };
                let locations = &mut servers.get_mut(host).unwrap().locations;
                let new = Location {
                    path: if path.text.path.is_empty() { "/".to_owned() } else { path.text.path.clone() },
                    is_exact: path.kind == "Exact",
                    ingress: Some(number),
                    at: Some((rule_number, path_number)),
                    is_exact_companion: false,
                    backend: Some((number, path.backend)),
                    annotations: Annotations::of(ingress),
                    is_default: false,
                };
                match locations.iter_mut().find(|known| known.path == new.path) {
                    Some(known) if known.is_exact != new.is_exact => locations.push(new),
                    Some(known) if known.is_default => *known = new,
                    Some(_) => {}
                    None => locations.push(new),
                }
            }
        }
    }
    has_strays
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
