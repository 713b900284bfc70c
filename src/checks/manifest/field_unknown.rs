//! IG702: a field that the API does not have.

use std::collections::HashMap;

use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, Segment};
use crate::validation::{self, UnknownField};

pub(crate) static FIELD_UNKNOWN: Check = Check {
    code: "IG702",
    name: "field-unknown",
    summary: "the manifest has a field that an Ingress does not have: refused, or dropped before it is stored",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Manifests,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("field_unknown.md"),
    run,
};

/// The results for clients that ask the API server to be strict, and for all others.
const REFUSED_OR_DROPPED: &str =
    "kubectl apply and server-side apply refuse the Ingress, Helm 3 and Argo CD store it without the field";

/// The most fields of an Ingress that have a finding of their own.
const SHOWN: usize = 10;

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(written) = &cx.ingress.written else { return };
    // A field that each path repeats is one mistake.
    let mut by_subject: Vec<(String, UnknownField, usize)> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    for unknown in validation::unknown_fields(&written.value) {
        let subject = subject(&unknown.field);
        if let Some(at) = index.get(&subject) {
            by_subject[*at].2 += 1;
        } else {
            index.insert(subject.clone(), by_subject.len());
            by_subject.push((subject, unknown, 0));
        }
    }
    let more = by_subject.len().saturating_sub(SHOWN);
    for (number, (subject, unknown, repeated)) in (1..).zip(by_subject.into_iter().take(SHOWN)) {
        let help = help(&unknown);
        let places = match repeated {
            0 => String::new(),
            1 => " (also in 1 other place)".to_owned(),
            _ => format!(" (also in {repeated} other places)"),
        };
        let others =
            if number == SHOWN && more > 0 { format!(" (and {more} other unknown fields)") } else { String::new() };
        let message = format!("unknown field {}{places}{others}: {REFUSED_OR_DROPPED}", Quoted(&unknown.name));
        out.add(unknown.field, subject, message).help(help);
    }
}

/// Returns the names of the fields from the root on, without list indexes.
fn subject(field: &FieldPath) -> String {
    let names = field.segments().iter().filter_map(|segment| match segment {
        Segment::Field(name) => Some(*name),
        Segment::Unknown(name) => Some(&**name),
        Segment::Index(_) | Segment::Key(_) | Segment::Name(_) => None,
    });
    names.skip_while(|name| *name == "spec").collect::<Vec<_>>().join(".")
}

fn help(unknown: &UnknownField) -> String {
    // The fields of version v1beta1, which old tutorials show.
    let renamed = match &*unknown.name {
        "serviceName" => Some("use service.name"),
        "servicePort" => Some("use service.port.number or service.port.name"),
        "backend" if unknown.belongs_to.is_some() && unknown.field.segments().len() == 2 => Some("use defaultBackend"),
        _ => None,
    };
    match (renamed, unknown.meant, &unknown.belongs_to) {
        (Some(renamed), ..) => renamed.to_owned(),
        (None, Some(meant), _) => format!("did you mean {meant:?}?"),
        (None, None, Some(place)) => format!("move it to {place}"),
        (None, None, None) => "remove it".to_owned(),
    }
}
