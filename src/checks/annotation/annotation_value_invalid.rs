//! IG603: an annotation's value has another form than ingress-nginx expects.

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, effects};
use crate::finding::{Level, Levels, Patch, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::annotations::{Annotation, Effect, ValueError};

pub(crate) static ANNOTATION_VALUE_INVALID: Check = Check {
    code: "IG603",
    name: "annotation-value-invalid",
    summary: "an nginx annotation's value has the wrong form: the Ingress is not loaded, answers 503 or 403, or does without",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("annotation_value_invalid.md"),
    run,
};

/// IG313 says what a path loses by these.
const OF_ROUTING: [&str; 2] = ["rewrite-target", "use-regex"];

/// What becomes one parameter of nginx's configuration, as it is.
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
/// So many bytes nginx reads of a parameter without quotes, less of one between them (section 2.8, B9).
const LONGEST: usize = 4095;

fn run(cx: &Context<'_>, out: &mut Findings) {
    for (row, value) in cx.nginx().in_force(cx.dialect().version) {
        if is_too_long(cx, row, value) {
            too_long(row, value, out);
        } else if !OF_ROUTING.contains(&row.name) {
            judge(cx, row, value, out);
        }
    }
}

fn judge(cx: &Context<'_>, row: &Annotation, value: &str, out: &mut Findings) {
    let Some(fault) = row.value_error(value, cx.dialect().validates_annotations()) else { return };
    // IG608 says what is open, IG315 what a control character does.
    let is_said_elsewhere = fault.effect == Effect::Open
        || (row.form.is_one_line() && value.contains(|c: char| c.is_ascii_control()))
        || super::is_template(value);
    // An older controller may not know the annotation at all.
    let certain = fault.certain && (row.since.is_none() || cx.dialect().version.is_some());
    if !is_said_elsewhere && super::matters(cx, row, fault.effect) {
        report(row, value, ValueError { certain, ..fault }, out);
    }
}

/// Whether nginx cannot read it, though the controller takes it. A canary's are not written down, nor those of a default
/// backend alone (sections 7.1 and 2.3), nor what depends on another annotation (sections 3.4 and 7.2).
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
    value.len() > LONGEST && PARAMETERS.contains(&row.name) && row.accepts(value) && is_written()
}

fn too_long(row: &Annotation, value: &str, out: &mut Findings) {
    let key = format!("{NGINX_PREFIX}{}", row.name);
    let (start, length) = (Quoted(value), value.len());
    let message = format!("{start} has {length} bytes, nginx reads {LONGEST}: {}", effects::RELOAD_FAILS_SHORT);
    out.add(FieldPath::annotation(&key), format!("{key} too long"), message).help("make it shorter");
}

fn report(row: &Annotation, value: &str, fault: ValueError, out: &mut Findings) {
    let key = format!("{NGINX_PREFIX}{}", row.name);
    let field = FieldPath::annotation(&key);
    let wrong = fault.flaw.map_or_else(|| "is empty".to_owned(), |flaw| format!("{} {flaw}", Quoted(value)));
    let since = if fault.certain { "" } else { super::SINCE_VALIDATION };
    let message = format!("{wrong}: {since}{}", super::consequence(fault.effect));
    let finding = out.add(field.clone(), key, message);
    finding.help(row.form.wanted());
    if let Some(fixed) = row.form.fixed(value) {
        finding.fix(Patch::on(&field, value).replace(&field, fixed));
    }
    if !fault.certain {
        finding.at_most(WARN);
    }
}
