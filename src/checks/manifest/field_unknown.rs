//! IG702: a field that the API does not have.

use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, Segment};
use crate::validation::{self, UnknownField};

pub(crate) static FIELD_UNKNOWN: Check = Check {
    code: "IG702",
    name: "field-unknown",
    summary: "the manifest has a field that an Ingress does not have: refused, or dropped before it is stored",
    levels: Levels::new(Level::Warn, Level::Deny),
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

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(written) = &cx.ingress.written else { return };
    for unknown in validation::unknown_fields(&written.value) {
        let help = help(&unknown);
        let message = format!("unknown field {}: {REFUSED_OR_DROPPED}", Quoted(&unknown.name));
        let subject = subject(&unknown.field);
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
