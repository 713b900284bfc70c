//! IG101: `spec.ingressClassName` names no IngressClass.

use super::class_field;
use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{ClassRef, Key, Kind, Kinds};
use crate::routing::{ClassRules, ControllerId};

pub(crate) static CLASS_NOT_FOUND: Check = Check {
    code: "IG101",
    name: "class-not-found",
    summary: "`spec.ingressClassName` names no IngressClass",
    levels: Levels::both(Level::Deny),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::IngressClass, Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("class_not_found.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let ClassRef::Named(name) = cx.ingress.class_ref() else { return };
    let unseen = cx.view.class(name).is_absent() && cx.view.served(cx.ingress.class_ref()).is_absent();
    // GKE's two names are IG108's: there the field is what is wrong, not the missing object.
    if !unseen || cx.controller.id != ControllerId::None || ClassRules::is_gce(name) {
        return;
    }
    let message =
        format!("IngressClass {} does not exist: nobody serves this Ingress, and visitors get 404", Quoted(name));
    let finding = out.add(class_field(), name, message);
    finding.rests_on(Kind::IngressClass, Key::new("", name)).rests_on_index("served classes");
    match cx.nearest(name, cx.view.class_names()) {
        Some(near) => finding.help(format!("did you mean {near:?}?")),
        None if cx.view.class_names().next().is_some() => {
            finding.help(format!("use one that exists: {}", list(cx.view.class_names())))
        }
        None => finding.help("this cluster has no IngressClass: install an Ingress controller first"),
    };
}
