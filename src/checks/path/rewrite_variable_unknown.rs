//! IG312: an annotation uses a `$name` that is not an nginx variable.

use std::cell::LazyCell;

use foldhash::{HashSet, HashSetExt as _};

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, ROUTES, Rendered, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kind, Kinds, NGINX_PREFIX};
use crate::routing::annotations::Risk;
use crate::routing::{Unknown, unknown_variables, variable_names};

pub(crate) static REWRITE_VARIABLE_UNKNOWN: Check = Check {
    code: "IG312",
    name: "rewrite-variable-unknown",
    summary: "`rewrite-target` uses an unknown nginx variable: nginx cannot reload",
    levels: Levels::both(Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: false,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("rewrite_variable_unknown.md"),
    run,
};

/// At most this number of variables per annotation are reported; one prevents the reload.
const MAX_FINDINGS: usize = 4;
/// The other annotations in whose values nginx expands variables (section 2.8, B5 and after the table).
const OTHERS: [&str; 6] =
    ["app-root", "auth-cache-key", "auth-signin", "auth-url", "upstream-vhost", "x-forwarded-prefix"];

fn run(cx: &Context<'_>, out: &mut Findings) {
    // ingress-nginx ignores these annotations on a canary (section 7.1).
    let rendered = cx.rendered();
    if cx.nginx().is_canary() || rendered == Rendered::Nothing {
        return;
    }
    // A target that equals the path is not a rewrite (section 2.7), and without a path none is generated.
    let rewrites = |target: &&str| cx.ingress.paths().any(|at| at.path.routed() != *target);
    if let Some(target) = cx.rewrite_target().filter(rewrites) {
        report(cx, "rewrite-target", target, rendered, out);
    }
    for name in OTHERS {
        if let Some(value) = cx.nginx().accepted(name) {
            report(cx, name, value, rendered, out);
        }
    }
}

fn report(cx: &Context<'_>, name: &str, value: &str, rendered: Rendered, out: &mut Findings) {
    let absent_for = match rendered {
        Rendered::Forbidden(annotation) => Some(annotation),
        Rendered::Refused(annotation) if name != "app-root" => Some(annotation),
        Rendered::Nothing | Rendered::Refused(_) | Rendered::Whole => None,
    };
    let effect = absent_for.map_or_else(|| effects::RELOAD_FAILS_SHORT.to_owned(), effects::reload_will_fail);
    // A snippet can define variables.
    let has_snippet = || cx.nginx().known().any(|(row, text)| row.risk == Risk::Critical && !text.is_empty());
    let is_uncertain = name != "rewrite-target" || has_snippet();
    let groups = LazyCell::new(|| cx.ingress.group_names());
    let extra = &cx.dialect().extra_variables;
    let is_extra = |name: &str| extra.iter().any(|extra| extra.trim_start_matches('$').eq_ignore_ascii_case(name));
    let mut seen = HashSet::new();
    let unknown = unknown_variables(value, |name| is_extra(name) || groups.contains(&*name.to_ascii_lowercase()));
    let is_reported = |unknown: &Unknown<'_>| match unknown {
        Unknown::Variable(name) => is_no_group_elsewhere(cx, name),
        Unknown::Stray => true,
    };
    for unknown in unknown.filter(|unknown| seen.insert(*unknown)).filter(is_reported).take(MAX_FINDINGS) {
        let (variable, wrong, help) = match unknown {
            Unknown::Variable(variable) => {
                let near = cx.nearest(variable, variable_names());
                // Groups exist only where a path is rewritten.
                let groups = if name == "rewrite-target" { "use $1 to $9" } else { "remove it" };
                let known = format!("{groups} or add it to extraVariables");
                let wrong = format!("unknown variable ${variable} in {}", Quoted(value));
                (variable, wrong, near.map_or(known, did_you_mean))
            }
            Unknown::Stray => ("", format!("a $ without a name in {}", Quoted(value)), "remove the $".to_owned()),
        };
        let key = format!("{NGINX_PREFIX}{name}");
        let message = format!("{wrong}: {effect}");
        let finding = out.add(FieldPath::annotation(&key), format!("{key} ${variable}"), message);
        finding.help(help);
        if let Unknown::Variable(_) = unknown {
            finding.rests_on_index("groups");
        }
        if is_uncertain || absent_for.is_some() {
            finding.at_most(WARN);
        }
    }
}

/// Whether no other Ingress of the controller has a group of that name, which would be a variable everywhere (section 2.8).
fn is_no_group_elsewhere(cx: &Context<'_>, name: &str) -> bool {
    let knows_routes = [Kind::Ingress, Kind::IngressClass].into_iter().all(|kind| cx.view.knows(kind));
    let others = cx.view.others_naming(name).found().filter(|_| knows_routes);
    others.is_some_and(|others| !others.into_iter().any(|other| cx.routes().counts(other)))
}

fn did_you_mean(variable: &str) -> String {
    format!("did you mean ${variable}?")
}
