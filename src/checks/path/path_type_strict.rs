//! IG303: characters that ingress-nginx rejects under this path type.

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Patch, Quoted};
use crate::model::{Kinds, PathType};

pub(crate) static PATH_TYPE_STRICT: Check = Check {
    code: "IG303",
    name: "path-type-strict",
    summary: "an Exact or Prefix path has characters that the webhook of ingress-nginx rejects since 1.12",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("path_type_strict.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let strict = cx.dialect().is_strict_about_path_types();
    if strict == Some(false) || (strict.is_none() && cx.dialect().settings_unknown()) {
        return;
    }
    for at in cx.ingress.paths().filter(|at| at.path.path_type != PathType::ImplementationSpecific) {
        let refused = at.path.path.chars().find(|c| !cx.dialect().takes_in_strict_paths(*c));
        let Some(refused) = refused else { continue };
        let of_type = at.path.path_type.name();
        let message = format!(
            "{} contains {refused:?}: the webhook of ingress-nginx 1.12 and later rejects it with pathType {of_type}",
            Quoted(&at.path.path)
        );
        let field = at.field().field("pathType");
        let finding = cx.rests_on_settings(out.add(at.field().field("path"), at.subject(), message));
        let specific = PathType::ImplementationSpecific.name();
        finding.help(format!("set pathType: {specific}"));
        // For ingress-nginx both types are otherwise the same (section 2.2); Exact differs.
        if at.path.path_type == PathType::Prefix {
            finding.fix(Patch::on(&field, of_type).replace(&field, specific));
        }
        // The version and its setting are unknown.
        if strict.is_none() {
            finding.at_most(AUDIT);
        }
    }
}
