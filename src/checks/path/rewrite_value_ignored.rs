//! IG313: `rewrite-target` or `use-regex` has a value that ingress-nginx ignores.

use crate::checks::findings::WARN;
use crate::checks::routed_paths::{ROUTES, Routed, may_match_otherwise, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Patch, Quoted};
use crate::model::{FieldPath, Kind, Kinds, NGINX_PREFIX};
use crate::routing::annotations::{self, Annotation, ValueError};
use crate::routing::is_plainly_regex;

pub(crate) static REWRITE_VALUE_IGNORED: Check = Check {
    code: "IG313",
    name: "rewrite-value-ignored",
    summary: "`rewrite-target` or `use-regex` has a value that ingress-nginx silently ignores",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("rewrite_value_ignored.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // ingress-nginx ignores both on a canary (section 7.1).
    if cx.nginx().is_canary() {
        return;
    }
    for name in ["rewrite-target", "use-regex"] {
        let Some((row, value)) = annotations::find(name).zip(cx.nginx().value(name)) else { continue };
        // IG315 reports control characters.
        let is_reported_elsewhere = value.contains(|c: char| c.is_ascii_control());
        if let Some(fault) =
            row.value_error(value, cx.dialect().validates_annotations()).filter(|_| !is_reported_elsewhere)
        {
            report(cx, row, value, fault, out);
        }
    }
}

fn report(cx: &Context<'_>, row: &Annotation, value: &str, fault: ValueError, out: &mut Findings) {
    let name = row.name;
    let key = format!("{NGINX_PREFIX}{name}");
    let field = FieldPath::annotation(&key);
    let flaw = fault.flaw.map(|flaw| flaw.to_string()).unwrap_or_default();
    let since = if fault.certain { "" } else { "since 1.12, " };
    let paths = routed(cx);
    // Even if another annotation enables regex matching, the path is not rewritten.
    let is_lost =
        |path: &&Routed<'_>| is_plainly_regex(path.text()) && (name == "rewrite-target" || !path.server.is_regex);
    let lost = paths.iter().find(is_lost);
    let consequence = match lost {
        Some(path) if path.server.is_regex => format!("requests for path {} are not rewritten", Quoted(path.text())),
        Some(path) => format!("path {} is matched literally", Quoted(path.text())),
        None if name == "use-regex" => "use-regex is false".to_owned(),
        None => "requests are not rewritten".to_owned(),
    };
    let finding = out.add(field.clone(), key, format!("{} {flaw}: {since}{consequence}", Quoted(value)));
    finding.help(row.form.wanted());
    if let Some(fixed) = row.form.fixed(value) {
        finding.fix(Patch::on(&field, value).replace(&field, fixed));
    }
    cx.rests_on_validation(finding, row, value);
    // Another annotation may enable regex matching in place of `use-regex`.
    let is_certain = fault.certain
        && lost.is_some_and(|path| !may_match_otherwise(cx, &path.server))
        && (name == "rewrite-target" || cx.view.knows(Kind::Ingress));
    if !is_certain {
        finding.at_most(WARN);
    }
    of_host(cx, finding);
}
