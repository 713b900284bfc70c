//! IG501: another Ingress of the controller has the same host and path.

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use crate::checks::findings::{AUDIT, WARN};
use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Host, Ingress, Kind, Kinds, NGINX_PREFIX, PathRef, PathType};
use crate::routing::{Claim, ControllerFamily, DroppedBecause, NginxAnnotations, When, by_age};

pub(crate) static HOST_PATH_DUPLICATED: Check = Check {
    code: "IG501",
    name: "host-path-duplicated",
    summary: "another Ingress of the same controller has the same host, path and path type",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("host_path_duplicated.md"),
    run,
};

/// Marks the mergeable Ingresses of F5, which share their host by intent.
const MERGEABLE: &str = "nginx.org/mergeable-ingress-type";

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.is_unowned() || is_exempt(cx.ingress) {
        return;
    }
    // A canary and its main Ingress are a pair, whichever is older (section 7.1).
    let reads_canaries = cx.dialect().family.reads_nginx_annotations();
    let own_is_canary = NginxAnnotations::of(cx.ingress).is_canary();
    // The message names the oldest of several other Ingresses.
    let mut others: HashMap<(&Host, &str, PathType), &Ingress> = HashMap::new();
    let mut hosts_with_canaries = HashSet::new();
    let mut fallback = None;
    for (_, host) in cx.ingress.hosts() {
        let Some(claims) = cx.claims(host, When::Before).found() else { return };
        let is_beside = |claim: &&Claim<'_>| claim.is_canary != own_is_canary && reads_canaries;
        if !own_is_canary && reads_canaries && claims.iter().any(|claim| claim.is_canary) {
            hosts_with_canaries.insert(host);
        }
        for claim in claims.iter().filter(|claim| !is_exempt(claim.ingress) && !is_beside(claim)) {
            for at in claim.rule.iter().flat_map(|rule| rule.paths()) {
                others.entry((host, at.path.routed(), effective(cx, at))).or_insert(claim.ingress);
            }
            // The default backend of an Ingress without rules is the path `/` of all other hosts (section 2.3).
            let is_fallback = claim.rule.is_none() && cx.dialect().family == ControllerFamily::Nginx;
            fallback = fallback.or(is_fallback.then_some(claim.ingress));
        }
    }
    for at in cx.ingress.paths() {
        let other = others.get(&(&at.rule.host, at.path.routed(), effective(cx, at))).copied();
        let canary = || hosts_with_canaries.contains(&at.rule.host).then(|| canary_before(cx, at))?;
        if let Some(other) = other.or_else(canary) {
            if !is_without_rival(cx, at, other) {
                report(cx, at, other, out);
            }
        } else if let Some(other) = fallback.filter(|_| is_root_of_any(cx, at))
            && other.default_backend.as_ref() != Some(&*at.path.backend)
        {
            let message = format!(
                "{} of all other hosts is also spec.defaultBackend of {}: that Ingress receives all requests",
                Quoted(at.path.routed()),
                named(cx, other)
            );
            let finding = out.add(at.field(), at.subject(), message);
            finding.rests_on(Kind::Ingress, other.meta.key.clone()).help("remove the path or that default backend");
            finding.at_most(WARN);
        }
    }
}

/// Whether only one of two equal paths can have a location: the backend of the older one is a resource or the upstream of a canary,
/// for example (sections 2.4 and 7.1).
fn is_without_rival(cx: &Context<'_>, at: PathRef<'_>, other: &Ingress) -> bool {
    let is_nginx = cx.dialect().family == ControllerFamily::Nginx;
    let Some(server) = cx.server(&at.rule.host, When::After).found().filter(|_| is_nginx) else { return false };
    let is_older = other.meta.created.is_some() && by_age(other, cx.ingress).is_lt();
    // A canary shares the location of its main path.
    let mut dropped = server.dropped.iter().filter(|it| it.at.is_same(at) && !cx.nginx().is_canary());
    dropped.any(|it| !matches!(it.why, DroppedBecause::Duplicate(_))) || (is_older && server.locates(at))
}

/// Returns the canary that is an ordinary location and stands before a main path: a main Ingress was the first to use its Service
/// and port (section 7.1).
fn canary_before<'a>(cx: &Context<'a>, at: PathRef<'a>) -> Option<&'a Ingress> {
    let server = cx.server(&at.rule.host, When::After).found()?;
    let dropped = server.dropped.iter().find(|dropped| dropped.at.is_same(at))?;
    let DroppedBecause::Duplicate(first) = dropped.why else { return None };
    NginxAnnotations::of(first).is_canary().then_some(first)
}

/// Whether a path is the one that takes every request without a rule.
fn is_root_of_any(cx: &Context<'_>, at: PathRef<'_>) -> bool {
    at.rule.host == Host::Any && at.path.routed() == "/" && effective(cx, at) == PathType::Prefix
}

/// Names another Ingress, as far as the configuration allows.
fn named(cx: &Context<'_>, other: &Ingress) -> String {
    if cx.may_name(&other.meta.key.namespace) {
        format!("Ingress {}", other.meta.key)
    } else {
        "an Ingress of another namespace".to_owned()
    }
}

fn report(cx: &Context<'_>, at: PathRef<'_>, other: &Ingress, out: &mut Findings) {
    let name = named(cx, other);
    let effect = match () {
        () if cx.dialect().family != ControllerFamily::Nginx => {
            "the controller decides which Ingress receives the requests"
        }
        // Files do not show which Ingress will be stored first.
        () if other.meta.created.is_none() && cx.ingress.meta.created.is_none() => {
            "the Ingress that is created first receives all requests"
        }
        () if by_age(other, cx.ingress).is_lt() => "that older Ingress receives all requests",
        () => "that younger Ingress receives no requests",
    };
    let message = format!("{} of {} is also a path of {name}: {effect}", Quoted(at.path.routed()), at.rule.host);
    let finding = out.add(at.field(), at.subject(), message);
    finding.rests_on(Kind::Ingress, other.meta.key.clone());
    finding.help("remove the path from one Ingress");
    if is_canary(cx.ingress) || is_canary(other) {
        finding.at_most(AUDIT);
    }
}

/// Returns true if the Ingress shares its paths by intent, or only for seconds.
fn is_exempt(ingress: &Ingress) -> bool {
    ingress.is_acme_solver || ingress.meta.annotations.get(MERGEABLE).is_some()
}

/// Returns true if the Ingress has the annotation `canary`, whatever its value: tools leave `canary: "false"` behind.
fn is_canary(ingress: &Ingress) -> bool {
    ingress.meta.annotations.get(&format!("{NGINX_PREFIX}canary")).is_some()
}

/// Returns the path type that the controller uses: ingress-nginx treats `ImplementationSpecific` as `Prefix` (section 2.2).
fn effective(cx: &Context<'_>, at: PathRef<'_>) -> PathType {
    match at.path.path_type {
        PathType::ImplementationSpecific if cx.dialect().family == ControllerFamily::Nginx => PathType::Prefix,
        path_type => path_type,
    }
}
