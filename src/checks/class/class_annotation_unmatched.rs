//! IG105: the class annotation matches no known controller.

use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{CLASS_ANNOTATION, ClassRef, FieldPath, Key, Kind, Kinds};
use crate::routing::{ControllerId, Dialect, KnownController};

pub(crate) static CLASS_ANNOTATION_UNMATCHED: Check = Check {
    code: "IG105",
    name: "class-annotation-unmatched",
    summary: "no known controller handles the class annotation",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::IngressClass, Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("class_annotation_unmatched.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let ClassRef::Annotated(value) = cx.ingress.class_ref() else { return };
    if cx.controller.id == ControllerId::None
        && let Some(dialect) = cx.routes().controllers().ignores_annotation(cx.ingress.class_ref(), cx.namespace())
    {
        return ignored(cx, value, dialect, out);
    }
    let is_unserved = cx.view.class(value).is_absent() && cx.view.served(cx.ingress.class_ref()).is_absent();
    // The default class of a controller that needs no IngressClass: whether it runs is not known.
    let needs_none = KnownController::of_annotation_class(value).is_some();
    if !is_unserved || needs_none || cx.controller.id != ControllerId::Unknown {
        return;
    }
    let message =
        format!("no known controller handles class {}: {} unless a flag names it", Quoted(value), effects::NOT_FOUND);
    let finding = out.add(FieldPath::annotation(CLASS_ANNOTATION), value, message);
    finding.rests_on(Kind::IngressClass, Key::new("", value)).rests_on_index("served classes");
    match cx.nearest(value, cx.view.class_names()) {
        Some(near) => finding.help(format!("did you mean {near:?}? Set spec.ingressClassName: {near} instead")),
        None => finding.help("set spec.ingressClassName to an existing IngressClass instead"),
    };
}

/// The controller of an IngressClass compares the annotation with its flag only, not with the name of the class.
fn ignored(cx: &Context<'_>, value: &str, dialect: &Dialect, out: &mut Findings) {
    let handled = list(dialect.annotation_class.values());
    let message = format!(
        "the controller of class {} handles annotation value {handled} only (--ingress-class): {}",
        Quoted(value),
        effects::NOT_FOUND
    );
    let finding = out.add(FieldPath::annotation(CLASS_ANNOTATION), value, message);
    finding.rests_on(Kind::IngressClass, Key::new("", value)).rests_on_index("served classes");
    finding.help(format!("set spec.ingressClassName: {value} instead"));
    cx.rests_on_settings(finding);
}
