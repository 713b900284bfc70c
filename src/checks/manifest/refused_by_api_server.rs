//! IG701: a value that the API server refuses.

use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Patch, Quoted};
use crate::model::{FieldPath, Kinds, Segment};
use crate::validation::{self, BadValue, Fault, Reason};

pub(crate) static REFUSED_BY_API_SERVER: Check = Check {
    code: "IG701",
    name: "refused-by-api-server",
    summary: "the API server refuses a value of the manifest, so the Ingress is not stored",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Manifests,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("refused_by_api_server.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(written) = &cx.ingress.written else { return };
    for fault in validation::refusals(written, cx.settings.kube_version) {
        let message = format!("refused by the API server: {}: the Ingress is not stored", shown(&fault.reason));
        let (subject, fix) = (subject(&fault), fix(&fault));
        let finding = out.add(fault.field, subject, message);
        finding.help(fault.help);
        finding.fix = fix;
    }
}

/// Returns the reason in one line, without the regex that the API server adds to it.
fn shown(reason: &Reason) -> String {
    let quoted = |value: &BadValue| match value {
        BadValue::Text(text) => Quoted(text).to_string(),
        BadValue::Json(json) => json.clone(),
    };
    match reason {
        Reason::Invalid(value, detail) => {
            let detail = detail.split(" (e.g. ").next().unwrap_or_default();
            format!("Invalid value: {}: {detail}", quoted(value))
        }
        Reason::Unsupported(value, detail) => format!("Unsupported value: {}: {detail}", quoted(value)),
        Reason::Required(_) | Reason::TooLong(_) | Reason::Undecodable(_) => reason.to_string(),
    }
}

/// Identifies a value by its rule or path, its field and what is wrong with it.
fn subject(fault: &Fault) -> String {
    let name = match fault.field.segments().iter().rev().find(|segment| !matches!(segment, Segment::Index(_))) {
        Some(Segment::Field(name)) => *name,
        Some(Segment::Unknown(key) | Segment::Key(key) | Segment::Name(key)) => &**key,
        Some(Segment::Index(_)) | None => "",
    };
    let value = match &fault.reason {
        Reason::Invalid(BadValue::Text(text), _) | Reason::Unsupported(BadValue::Text(text), _) => text,
        _ => "",
    };
    format!("{} {name} {value}", fault.place).trim().to_owned()
}

/// Returns the change to the only value that can be meant: another case of letters.
fn fix(fault: &Fault) -> Option<Patch> {
    let replaced = |field: &FieldPath, from: &str, to: &str| Patch::on(field, from).replace(field, to);
    match &fault.reason {
        Reason::Unsupported(BadValue::Text(text), _) => {
            let meant = ["Exact", "ImplementationSpecific", "Prefix"]
                .into_iter()
                .find(|name| name.eq_ignore_ascii_case(text))?;
            Some(replaced(&fault.field, text, meant))
        }
        _ => None,
    }
}
