//! IG305: a host that serves only `/`.

use foldhash::HashSet;

use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Patch};
use crate::model::{Host, Ingress, Kind, Kinds, Path, PathRef, PathType};

pub(crate) static PATH_EXACT_ROOT_ONLY: Check = Check {
    code: "IG305",
    name: "path-exact-root-only",
    summary: "Exact `/` is the only path of its host: all other paths return 404",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("path_exact_root_only.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // The default backend serves all other paths.
    if cx.ingress.default_backend.is_some() {
        return;
    }
    let others = cx.ingress.paths().filter(|at| !is_exact_root(at.path));
    let has_more: HashSet<&Host> = others.map(|at| &at.rule.host).collect();
    for at in cx.ingress.paths().filter(|at| is_exact_root(at.path)) {
        if !has_more.contains(&at.rule.host) && is_alone(cx, &at.rule.host) {
            let field = at.field().field("pathType");
            let message =
                format!("Exact \"/\" is the only path of this host: {} for every other path", effects::NOT_FOUND);
            let finding = out.add(field.clone(), at.subject(), message);
            finding.rests_on_index("hosts").help("set pathType: Prefix to serve the whole site");
            // With a rewrite, Prefix would rewrite the whole site to one page.
            if cx.rewrite_target().is_none() {
                finding.fix(Patch::on(&field, PathType::Exact.name()).replace(&field, PathType::Prefix.name()));
            }
        }
    }
}

fn is_exact_root(path: &Path) -> bool {
    path.routed() == "/" && path.path_type == PathType::Exact
}

/// Whether no other Ingress has another path for this host.
fn is_alone(cx: &Context<'_>, host: &Host) -> bool {
    let has_more = |other: &Ingress| {
        let more = |path: PathRef<'_>| path.rule.host == *host && !is_exact_root(path.path);
        other.default_backend.is_some() || other.paths().any(more)
    };
    // On some controllers a rule without a host serves the paths that an exact host does not define.
    cx.view.other_on(host, has_more).is_absent()
        && (*host == Host::Any || cx.view.other_on(&Host::Any, |_| true).is_absent())
}
