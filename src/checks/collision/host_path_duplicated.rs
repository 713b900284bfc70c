//! IG501: another Ingress has this host and path already.

use foldhash::{HashMap, HashMapExt as _};

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, ROUTES};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Host, Ingress, Kind, Kinds, NGINX_PREFIX, PathRef, PathType};
use crate::routing::{Claim, ControllerFamily, NginxAnnotations, When, by_age};

pub(crate) static HOST_PATH_DUPLICATED: Check = Check {
    code: "IG501",
    name: "host-path-duplicated",
    summary: "another Ingress of the same controller has this host, path and type: only one of the two answers",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::Everywhere,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("host_path_duplicated.md"),
    run,
};

/// The roles of F5's mergeable Ingresses, which share their host by intent.
const MERGEABLE: &str = "nginx.org/mergeable-ingress-type";

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.is_unowned() || is_exempt(cx.ingress) {
        return;
    }
    // A canary is beside its main Ingress, whichever is older (section 7.1).
    let reads_canaries = cx.dialect().family.reads_nginx_annotations();
    let own_is_canary = NginxAnnotations::of(cx.ingress).is_canary();
    // The oldest of several is the one to name: it wins, or loses first.
    let mut others: HashMap<(&Host, &str, PathType), &Ingress> = HashMap::new();
    for (_, host) in cx.ingress.hosts() {
        let Some(claims) = cx.claims(host, When::Before).found() else { return };
        let is_beside = |claim: &&Claim<'_>| claim.is_canary != own_is_canary && reads_canaries;
        for claim in claims.iter().filter(|claim| !is_exempt(claim.ingress) && !is_beside(claim)) {
            for at in claim.rule.iter().flat_map(|rule| rule.paths()) {
                others.entry((host, at.path.routed(), effective(cx, at))).or_insert(claim.ingress);
            }
        }
    }
    for at in cx.ingress.paths() {
        if let Some(other) = others.get(&(&at.rule.host, at.path.routed(), effective(cx, at))) {
            report(cx, at, other, out);
        }
    }
}

fn report(cx: &Context<'_>, at: PathRef<'_>, other: &Ingress, out: &mut Findings) {
    let whose = if cx.may_name(&other.meta.key.namespace) {
        format!("Ingress {}", other.meta.key)
    } else {
        "an Ingress of another namespace".to_owned()
    };
    let consequence = match () {
        () if cx.dialect().family != ControllerFamily::Nginx => "the controller chooses which of the two visitors get",
        // Files do not say which will be stored first.
        () if other.meta.created.is_none() && cx.ingress.meta.created.is_none() => {
            "the one that is stored first keeps the visitors"
        }
        () if by_age(other, cx.ingress).is_lt() => "that one is older and keeps the visitors",
        () => "that one is younger and loses its visitors",
    };
    let message = format!("{} of {} is a path of {whose} too: {consequence}", Quoted(at.path.routed()), at.rule.host);
    let finding = out.add(at.field(), at.subject(), message);
    finding.rests_on(Kind::Ingress, other.meta.key.clone());
    finding.help("remove it from one of the two");
    if is_canary(cx.ingress) || is_canary(other) {
        finding.at_most(AUDIT);
    }
}

/// What shares its paths by intent or for a moment.
fn is_exempt(ingress: &Ingress) -> bool {
    ingress.is_acme_solver || ingress.meta.annotations.get(MERGEABLE).is_some()
}

/// Marked as half of a pair, although it is none now: tools leave `canary: "false"` behind.
fn is_canary(ingress: &Ingress) -> bool {
    ingress.meta.annotations.get(&format!("{NGINX_PREFIX}canary")).is_some()
}

/// The type as the controller tells paths apart: to ingress-nginx `ImplementationSpecific` is `Prefix` (section 2.2).
fn effective(cx: &Context<'_>, at: PathRef<'_>) -> PathType {
    match at.path.path_type {
        PathType::ImplementationSpecific if cx.dialect().family == ControllerFamily::Nginx => PathType::Prefix,
        path_type => path_type,
    }
}
