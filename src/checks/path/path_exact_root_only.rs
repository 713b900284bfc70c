//! IG305: the host serves `/` and nothing below it.

use foldhash::HashSet;

use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Patch};
use crate::model::{Host, Ingress, Kind, Kinds, Path, PathRef, PathType};

pub(crate) static PATH_EXACT_ROOT_ONLY: Check = Check {
    code: "IG305",
    name: "path-exact-root-only",
    summary: "Exact `/` is the only path of its host: nothing but the bare root is served",
    levels: Levels::both(Level::Warn),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("path_exact_root_only.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // What no path takes goes to the default backend.
    if cx.ingress.default_backend.is_some() {
        return;
    }
    let others = cx.ingress.paths().filter(|at| !is_exact_root(at.path));
    let has_more: HashSet<&Host> = others.map(|at| &at.rule.host).collect();
    for at in cx.ingress.paths().filter(|at| is_exact_root(at.path)) {
        if !has_more.contains(&at.rule.host) && is_alone(cx, &at.rule.host) {
            let field = at.field().field("pathType");
            let message =
                "Exact \"/\" is the only path of this host: visitors get 404 for everything but the bare root";
            let finding = out.add(field.clone(), at.subject(), message);
            finding.rests_on_index("hosts").help("set pathType: Prefix to serve the whole site");
            // With a rewrite it would send the whole site to one page.
            if cx.rewrite_target().is_none() {
                finding.fix(Patch::on(&field, PathType::Exact.name()).replace(&field, PathType::Prefix.name()));
            }
        }
    }
}

fn is_exact_root(path: &Path) -> bool {
    path.routed() == "/" && path.path_type == PathType::Exact
}

/// No other path for this host in any other Ingress.
fn is_alone(cx: &Context<'_>, host: &Host) -> bool {
    let has_more = |other: &Ingress| {
        let more = |path: PathRef<'_>| path.rule.host == *host && !is_exact_root(path.path);
        other.default_backend.is_some() || other.paths().any(more)
    };
    // On most controllers what an exact host does not take falls to nobody, on some a hostless rule is tried next.
    cx.view.other_on(host, has_more).is_absent()
        && (*host == Host::Any || cx.view.other_on(&Host::Any, |_| true).is_absent())
}
