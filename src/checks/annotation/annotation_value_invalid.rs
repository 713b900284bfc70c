//! IG603: an annotation's value has another form than ingress-nginx expects.

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Patch, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::annotation::{Annotation, Effect, Fault};

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

fn run(cx: &Context<'_>, out: &mut Findings) {
    for (row, value) in cx.nginx().in_force(cx.dialect().version).filter(|(row, _)| !OF_ROUTING.contains(&row.name)) {
        let Some(fault) = row.fault(value, cx.dialect().validates_annotations()) else { continue };
        // IG608 says what is open, IG315 what a control character does.
        let is_said_elsewhere = fault.effect == Effect::Open
            || (row.form.is_one_line() && value.contains(|c: char| c.is_ascii_control()))
            || super::is_template(value);
        // An older controller may not know the annotation at all.
        let certain = fault.certain && (row.since.is_none() || cx.dialect().version.is_some());
        if !is_said_elsewhere && super::matters(cx, row, fault.effect) {
            report(row, value, Fault { certain, ..fault }, out);
        }
    }
}

fn report(row: &Annotation, value: &str, fault: Fault, out: &mut Findings) {
    let key = format!("{NGINX_PREFIX}{}", row.name);
    let field = FieldPath::annotation(&key);
    let wrong = fault.flaw.map_or_else(|| "is empty".to_owned(), |flaw| format!("{} {flaw}", Quoted(value)));
    let since = if fault.certain { "" } else { super::SINCE_VALIDATION };
    let message = format!("{wrong}: {since}{}", super::consequence(fault.effect));
    let finding = out.add(field.clone(), key, message);
    finding.help(row.form.wanted());
    if let Some(mended) = row.form.mended(value) {
        finding.fix(Patch::on(&field, value).replace(&field, mended));
    }
    if !fault.certain {
        finding.at_most(WARN);
    }
}
