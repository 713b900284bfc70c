//! IG104: the deprecated class annotation.

use super::class_field;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Patch};
use crate::model::{CLASS_ANNOTATION, FieldPath, Kind, Kinds};
use crate::routing::KnownController;

pub(crate) static CLASS_ANNOTATION_LEGACY: Check = Check {
    code: "IG104",
    name: "class-annotation-legacy",
    summary: "the class is set in the deprecated annotation `kubernetes.io/ingress.class`",
    levels: Levels::new(Level::Audit, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::of(&[Kind::IngressClass]),
    page: include_str!("class_annotation_legacy.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(value) = cx.ingress.meta.annotations.get(CLASS_ANNOTATION) else { return };
    let class = cx.view.class(value);
    // The controller needs no IngressClass, and without one the field would name nothing.
    let needs_annotation = !matches!(class, Lookup::Found(_)) && KnownController::of_annotation_class(value).is_some();
    if KnownController::of_annotation_only(value).is_some() || (needs_annotation && cx.ingress.class_name.is_none()) {
        return;
    }
    let field = FieldPath::annotation_name(CLASS_ANNOTATION);
    let in_the_field = cx.ingress.class_name.as_deref();
    let message = if in_the_field.is_some() {
        format!("deprecated and overridden by spec.ingressClassName: {}", effects::NO_EFFECT)
    } else {
        format!("deprecated: {} if the controller does not read the annotation", effects::NOT_FOUND)
    };
    let finding = out.add(field.clone(), CLASS_ANNOTATION, message);
    let class_exists = matches!(class, Lookup::Found(_));
    if in_the_field == Some(value) {
        finding.help("remove the annotation");
        finding.fix(Patch::on(&field, value).remove(&field));
    } else if in_the_field.is_none() && class_exists {
        finding.help(format!("set spec.ingressClassName: {value} instead"));
        finding.fix(Patch::on(&field, value).remove(&field).add(&class_field(), value));
    } else {
        finding.help("set the class in spec.ingressClassName only");
    }
}
