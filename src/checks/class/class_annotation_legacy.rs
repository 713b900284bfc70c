//! IG104: the deprecated class annotation.

use super::class_field;
use crate::checks::{Applies, Check, Context, Findings};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Patch};
use crate::model::{CLASS_ANNOTATION, FieldPath, Kind, Kinds};
use crate::routing::ClassRules;

pub(crate) static CLASS_ANNOTATION_LEGACY: Check = Check {
    code: "IG104",
    name: "class-annotation-legacy",
    summary: "the class is named by the deprecated annotation `kubernetes.io/ingress.class`",
    levels: Levels::new(Level::Audit, Level::Warn),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::of(&[Kind::IngressClass]),
    page: include_str!("class_annotation_legacy.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(value) = cx.ingress.meta.annotations.get(CLASS_ANNOTATION) else { return };
    if ClassRules::is_gce(value) {
        return;
    }
    let field = FieldPath::annotation_name(CLASS_ANNOTATION);
    let in_the_field = cx.ingress.class_name.as_deref();
    let message = if in_the_field.is_some() {
        "this annotation is deprecated, and spec.ingressClassName wins: it has no effect"
    } else {
        "this annotation is deprecated: visitors get 404 from a controller that no longer reads it"
    };
    let finding = out.add(field.clone(), CLASS_ANNOTATION, message);
    let class_exists = matches!(cx.view.class(value), Lookup::Found(_));
    if in_the_field == Some(value) {
        finding.help("remove it; spec.ingressClassName says the same");
        finding.fix(Patch::on(&field, value).remove(&field));
    } else if in_the_field.is_none() && class_exists {
        finding.help(format!("set spec.ingressClassName: {value} in its place"));
        finding.fix(Patch::on(&field, value).remove(&field).add(&class_field(), value));
    } else {
        finding.help("name the class in spec.ingressClassName only");
    }
}
