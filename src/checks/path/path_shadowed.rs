//! IG306: a path that never matches.

use foldhash::{HashMap, HashMapExt as _};

use super::is_regex;
use crate::checks::request::{Request, result};
use crate::checks::routed_paths::{ROUTES, Routed, of_host, of_other, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Backend, Host, Kinds, PathRef, PathType};
use crate::routing::{Modifier, When, normalized, redirects_alike};

pub(crate) static PATH_SHADOWED: Check = Check {
    code: "IG306",
    name: "path-shadowed",
    summary: "another location always matches first: no intended request reaches the path",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_shadowed.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    'paths: for path in routed(cx).iter() {
        let text = path.text();
        // IG304 and IG309 report these.
        if path.server.is_regex && (path.at.is_exact_root() || !(enables_regex(cx, path) || is_regex(text))) {
            continue;
        }
        if has_own_exact(path) {
            continue;
        }
        let Some(samples) = path.samples(cx) else { continue };
        let mut elsewhere = None;
        for sample in &samples {
            let Some(answer) = path.answer(cx, sample) else { continue 'paths };
            if answer.location.as_ref().is_none_or(|location| location.is_equivalent(cx.ingress, path.at)) {
                elsewhere = None;
                break;
            }
            elsewhere = elsewhere.or(Some((sample, answer)));
        }
        let Some((sample, answer)) = elsewhere else { continue };
        let is_same_as_sent = normalized(text).as_deref() == Some(text.as_bytes());
        let (why, help) = match answer.location.as_ref().and_then(|it| it.at.zip(it.ingress).map(|of| (it, of))) {
            Some((location, (at, ingress))) if path.server.is_regex || is_same_as_sent => {
                // The same path with another pathType.
                let kind = match () {
                    () if location.path == text => at.path.path_type.name(),
                    () if path.server.is_regex => "regex",
                    () => "path",
                };
                let first = format!("{kind} {}{}", Quoted(&location.path), of_other(cx, &ingress.meta.key));
                (format!("{first} matches first"), "use a longer path or remove it")
            }
            _ if is_same_as_sent => continue,
            _ => ("nginx compares decoded paths without the query".to_owned(), "use the decoded path, without % and ?"),
        };
        let message = format!("{} never matches, {why}: {} {}", Quoted(text), Request(sample), result(cx, &answer));
        of_host(cx, out.add(path.field(), path.at.subject(), message)).help(help);
    }
    duplicates(cx, out);
}

/// Reports paths that the Ingress has twice for a host, with different backends: the controller ignores the second one (section 2.4).
/// IG501 reports those of other Ingresses.
fn duplicates(cx: &Context<'_>, out: &mut Findings) {
    if cx.nginx().is_canary() || redirects_alike(cx.nginx()) {
        return;
    }
    let is_exact = |at: PathRef<'_>| at.path.path_type == PathType::Exact;
    let mut first_with: HashMap<(&Host, &str, bool), PathRef<'_>> = HashMap::new();
    for at in cx.ingress.paths() {
        let first = *first_with.entry((&at.rule.host, at.path.routed(), is_exact(at))).or_insert(at);
        let Backend::Service { name, .. } = &*first.path.backend else { continue };
        let is_routed = || cx.server(&at.rule.host, When::After).found().is_some_and(|server| server.has_dropped(at));
        if first.is_same(at) || first.path.backend == at.path.backend || !is_routed() {
            continue;
        }
        let text = Quoted(at.path.routed());
        let why = format!("{} {text} stands before it", first.path.path_type.name());
        let message = format!("{text} never matches, {why}: requests go to Service {}", Quoted(name));
        of_host(cx, out.add(at.field().field("path"), format!("{} again", at.subject()), message))
            .help("remove one of them");
    }
}

/// Whether the location of a path answers the request of exactly this path, by literal matching.
fn has_own_exact(path: &Routed<'_>) -> bool {
    let bytes = path.text().as_bytes();
    let exact = path.server.plain(Modifier::Exact, bytes).filter(|_| !path.server.is_regex);
    exact.is_some_and(|location| path.is_own(location)) && normalized(path.text()).as_deref() == Some(bytes)
}

/// Whether this Ingress itself turns the path into a regex.
fn enables_regex(cx: &Context<'_>, path: &Routed<'_>) -> bool {
    cx.nginx().use_regex() || cx.rewrite_target().is_some_and(|target| target != path.text())
}
