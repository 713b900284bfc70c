//! IG605: a canary without a main Ingress.

use foldhash::{HashMap, HashMapExt as _};

use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Backend, Host, Kind, Kinds, PathRef, PathType};
use crate::routing::{Claim, Refusal, When};

pub(crate) static CANARY_WITHOUT_MAIN: Check = Check {
    code: "IG605",
    name: "canary-without-main",
    summary: "a canary without a main Ingress that has the same host, path and path type",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("canary_without_main.md"),
    run,
};

/// A canary path is merged into a main path with the same text and type (section 7.1). True stands for `Exact`.
type MergeKey<'a> = (&'a str, bool);

fn run(cx: &Context<'_>, out: &mut Findings) {
    if !cx.nginx().is_canary() {
        return;
    }
    let mut mains: HashMap<&Host, Option<HashMap<MergeKey<'_>, Vec<&Backend>>>> = HashMap::new();
    for at in cx.ingress.paths().filter(|at| matches!(*at.path.backend, Backend::Service { .. })) {
        let host = &at.rule.host;
        let main = mains.entry(host).or_insert_with(|| Some(main_backends(&cx.claims(host, When::Before).found()?)));
        let Some(main) = main else { return };
        let mut help = "create the main Ingress first, with the same host, path and pathType";
        let problem = match main.get(&merge_key(at)) {
            // The server for hosts without a rule has the path then (section 2.3).
            None if main.is_empty() => {
                format!("no main Ingress has host {host}: {}", without_server(cx, at))
            }
            None => format!(
                "no main Ingress has {} path {} on {host}: {}",
                if at.path.path_type == PathType::Exact { "Exact" } else { "Prefix" },
                Quoted(at.path.routed()),
                used(cx, at)
            ),
            Some(backends) if backends.iter().all(|backend| *backend == &*at.path.backend) => {
                help = "use a separate Service for the canary";
                format!("the main Ingress has the same Service and port: {}", used(cx, at))
            }
            Some(_) => continue,
        };
        if !cx.view.knows(Kind::Ingress) {
            return;
        }
        let finding = out.add(at.field(), at.subject(), problem);
        finding.rests_on_index("hosts");
        finding.help(help);
    }
}

/// Returns what happens to requests for a canary path on a host without a server: that of unknown hosts answers. An annotation of a
/// canary can make it return 403 or 503 too (sections 5.7 and 7.0).
fn without_server<'a>(cx: &Context<'a>, at: PathRef<'a>) -> &'static str {
    let is_forbidden = || cx.server(&Host::Any, When::After).found().is_some_and(|server| server.forbidden.is_some());
    let refusal = cx.loading().refusal;
    if refusal.is_some_and(Refusal::is_of_host) || is_forbidden() {
        effects::HOST_FORBIDDEN
    } else if !cx.routes().has_upstream_of_main(cx.ingress, &at.path.backend, When::After) {
        effects::NOT_FOUND
    } else if refusal.is_some() {
        effects::UNAVAILABLE_ON_EVERY_HOST
    } else {
        effects::ON_EVERY_HOST
    }
}

/// Returns which requests a canary path gets on a host with a main Ingress: all if it is an ordinary location, because a main rule was
/// the first to use its Service and port (section 7.1).
fn used<'a>(cx: &Context<'a>, at: PathRef<'a>) -> &'static str {
    let server = cx.server(&at.rule.host, When::After).found();
    if server.is_some_and(|server| server.locates(at)) { effects::CANARY_ALONE } else { effects::CANARY_UNUSED }
}

/// Returns the backends of all Ingresses that are not canaries, by the path that a canary is merged into.
fn main_backends<'a>(claims: &[Claim<'a>]) -> HashMap<MergeKey<'a>, Vec<&'a Backend>> {
    let mut backends: HashMap<MergeKey<'a>, Vec<&Backend>> = HashMap::new();
    for claim in claims.iter().filter(|claim| !claim.is_canary) {
        for at in claim.rule.iter().flat_map(|rule| rule.paths()) {
            backends.entry(merge_key(at)).or_default().push(&at.path.backend);
        }
    }
    backends
}

fn merge_key(at: PathRef<'_>) -> MergeKey<'_> {
    (at.path.routed(), at.path.path_type == PathType::Exact)
}
