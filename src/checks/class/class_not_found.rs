//! IG101: `spec.ingressClassName` names an IngressClass that does not exist.

use super::class_field;
use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{ClassRef, Key, Kind, Kinds};
use crate::routing::{ControllerId, KnownController};

pub(crate) static CLASS_NOT_FOUND: Check = Check {
    code: "IG101",
    name: "class-not-found",
    summary: "`spec.ingressClassName` names an IngressClass that does not exist",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::IngressClass, Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("class_not_found.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let ClassRef::Named(name) = cx.ingress.class_ref() else { return };
    let is_unserved = cx.view.class(name).is_absent() && cx.view.served(cx.ingress.class_ref()).is_absent();
    // IG108 reports the class names of GKE, because there the field is wrong and not the missing object.
    let is_of_gke = KnownController::of_annotation_only(name).is_some();
    if !is_unserved || cx.controller.id != ControllerId::None || is_of_gke {
        return;
    }
    let message = format!("IngressClass {} does not exist: {}", Quoted(name), effects::UNHANDLED);
    let finding = out.add(class_field(), name, message);
    finding.rests_on(Kind::IngressClass, Key::new("", name)).rests_on_index("served classes");
    match cx.nearest(name, cx.view.class_names()) {
        Some(near) => finding.help(format!("did you mean {near:?}?")),
        None if cx.view.class_names().next().is_some() => {
            finding.help(format!("use an existing class: {}", list(cx.view.class_names())))
        }
        None => finding.help("install an ingress controller first: the cluster has no IngressClass"),
    };
}
