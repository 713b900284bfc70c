//! IG603: the value of an annotation is not valid for ingress-nginx.

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release, effects};
use crate::finding::{Finding, Level, Levels, Patch, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::annotations::{Annotation, Effect, Flaw};
use crate::routing::{AnnotationFault, FaultReason};

pub(crate) static ANNOTATION_VALUE_INVALID: Check = Check {
    code: "IG603",
    name: "annotation-value-invalid",
    summary: "invalid annotation value: requests return 404, 503 or 403, or the annotation is ignored",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: ROUTES,
    page: include_str!("annotation_value_invalid.md"),
    run,
};

/// The annotations whose values IG313 reports.
const ROUTING_ANNOTATIONS: [&str; 2] = ["rewrite-target", "use-regex"];

/// The annotations whose value becomes one unchanged parameter in the nginx configuration.
const PARAMETERS: [&str; 8] = [
    "app-root",
    "auth-cache-key",
    "auth-signin",
    "auth-url",
    "permanent-redirect",
    "temporal-redirect",
    "upstream-vhost",
    "x-forwarded-prefix",
];
/// The number of bytes that nginx reads of an unquoted parameter; it reads fewer of a quoted one (section 2.8, B9).
const MAX_BYTES: usize = 4095;

fn run(cx: &Context<'_>, out: &mut Findings) {
    for (row, value) in cx.nginx().in_force(cx.dialect().version) {
        if is_too_long(cx, row, value) {
            too_long(row, value, out);
        }
    }
    for fault in cx.value_faults() {
        if let FaultReason::Value(flaw) = fault.reason
            && !is_reported_elsewhere(fault)
            && let Some(highest) = super::highest(cx, fault.row, fault.effect)
        {
            report(cx, fault, flaw, out).at_most(highest);
        }
    }
}

/// Whether another check reports it: IG313 those of routing, IG608 disabled authentication, IG315 control characters.
fn is_reported_elsewhere(fault: &AnnotationFault<'_>) -> bool {
    let AnnotationFault { row, value, effect, .. } = *fault;
    ROUTING_ANNOTATIONS.contains(&row.name)
        || effect == Effect::Open
        || (row.form.is_one_line() && value.contains(|c: char| c.is_ascii_control()))
}

/// Returns true if nginx cannot read a value that the controller accepts. The controller does not write the annotations of a
/// canary or of an Ingress without rules (sections 7.1 and 2.3), nor those that depend on another annotation (sections 3.4
/// and 7.2).
fn is_too_long(cx: &Context<'_>, row: &Annotation, value: &str) -> bool {
    let is_written = || {
        let depends = match row.name {
            "x-forwarded-prefix" => {
                cx.rewrite_target().is_some_and(|to| cx.ingress.paths().any(|at| at.path.routed() != to))
            }
            "permanent-redirect" => cx.nginx().value("temporal-redirect").is_none(),
            _ => true,
        };
        depends && !cx.nginx().is_canary() && !cx.ingress.rules.is_empty()
    };
    value.len() > MAX_BYTES && PARAMETERS.contains(&row.name) && row.accepts(value) && is_written()
}

fn too_long(row: &Annotation, value: &str, out: &mut Findings) {
    let key = format!("{NGINX_PREFIX}{}", row.name);
    let (start, length) = (Quoted(value), value.len());
    let message = format!("{start} has {length} bytes, nginx reads {MAX_BYTES}: {}", effects::RELOAD_FAILS_SHORT);
    let finding = out.add(FieldPath::annotation(&key), format!("{key} too long"), message);
    finding.help("shorten the value").by_default(super::LOADED);
}

fn report<'f>(
    cx: &Context<'_>,
    fault: &AnnotationFault<'_>,
    flaw: Option<Flaw>,
    out: &'f mut Findings<'_>,
) -> &'f mut Finding {
    let AnnotationFault { row, value, effect, certain, .. } = *fault;
    let key = format!("{NGINX_PREFIX}{}", row.name);
    let field = FieldPath::annotation(&key);
    let wrong = flaw.map_or_else(|| "the value is empty".to_owned(), |flaw| format!("{} {flaw}", Quoted(value)));
    let since = if certain { "" } else { super::SINCE_VALIDATION };
    let message = format!("{wrong}: {since}{}", super::effect_on_requests(effect));
    let finding = out.add(field.clone(), key, message);
    finding.help(row.form.wanted());
    if let Some(fixed) = row.form.fixed(value) {
        finding.fix(Patch::on(&field, value).replace(&field, fixed));
    }
    cx.rests_on_validation(finding, row, value);
    if !certain {
        finding.at_most(WARN);
    } else if effect != Effect::NotLoaded {
        finding.by_default(super::LOADED);
    }
    finding
}
