//! IG307: a path that ends in a slash.

use crate::checks::request::{Request, result};
use crate::checks::routed_paths::{ROUTES, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Patch, Quoted};
use crate::model::{Kind, Kinds, PathType};
use crate::routing::{Outcome, Redirect, is_plainly_regex};

pub(crate) static PATH_TRAILING_SLASH: Check = Check {
    code: "IG307",
    name: "path-trailing-slash",
    summary: "the path ends in a slash: requests without it are redirected or return 404",
    levels: Levels::new(Level::Audit, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_trailing_slash.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for path in routed(cx).iter() {
        let (text, path_type) = (path.text(), path.at.path.path_type);
        let bare = text.strip_suffix('/').filter(|bare| !bare.is_empty());
        let Some(bare) = bare.filter(|_| path_type != PathType::ImplementationSpecific) else { continue };
        if path.server.is_regex && is_plainly_regex(text) {
            continue;
        }
        let Some(answer) = path.answer(cx, bare) else { continue };
        let is_lost = match answer.outcome {
            Outcome::Redirect(_, Redirect::Slash) => answer.location.as_ref().is_some_and(|it| path.is_own(it)),
            ref outcome => *outcome == Outcome::DefaultBackend,
        };
        if !is_lost || !cx.view.knows(Kind::Ingress) {
            continue;
        }
        let message = format!("{} ends in a slash: {} {}", Quoted(text), Request(bare), result(cx, &answer));
        let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
        if path_type == PathType::Exact {
            finding.help(format!("add path {} if clients request it", Quoted(bare)));
        } else if path.server.is_regex {
            // `/foo` alone would also match `/foobar`.
            finding.help(format!("use path {}", Quoted(&format!("{bare}(/|$)"))));
        } else {
            let field = path.field();
            finding.help(format!("use path {}, which matches both", Quoted(bare)));
            finding.fix(Patch::on(&field, text).replace(&field, bare));
        }
    }
}
