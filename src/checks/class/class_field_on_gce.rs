//! IG108: GKE's class in the field that GKE does not read.

use super::class_field;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Patch};
use crate::model::{CLASS_ANNOTATION, ClassRef, FieldPath, Key, Kind, Kinds};
use crate::routing::{ClassRules, ControllerId};

pub(crate) static CLASS_FIELD_ON_GCE: Check = Check {
    code: "IG108",
    name: "class-field-on-gce",
    summary: "GKE's class stands in `spec.ingressClassName`, where GKE ignores it",
    levels: Levels::both(Level::Warn),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::IngressClass, Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("class_field_on_gce.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let ClassRef::Named(name) = cx.ingress.class_ref() else { return };
    // Whoever has made an IngressClass of that name, or serves it, is not GKE's own controller.
    let unseen = cx.view.class(name).is_absent() && cx.view.served(cx.ingress.class_ref()).is_absent();
    if !ClassRules::is_gce(name) || !unseen || cx.controller.id != ControllerId::None {
        return;
    }
    let message = format!(
        "GKE's controller ignores ingressClassName {name:?}: no load balancer is made, and visitors reach nothing"
    );
    let finding = out.add(class_field(), name, message);
    finding.rests_on(Kind::IngressClass, Key::new("", name)).rests_on_index("served classes");
    finding.help(format!("remove it and annotate {CLASS_ANNOTATION}: {name}"));
    // Where there are no annotations yet, a patch would have to know that to add the map.
    if cx.ingress.meta.annotations.iter().next().is_some() {
        let annotation = FieldPath::annotation(CLASS_ANNOTATION);
        finding.fix(Patch::on(&class_field(), name).remove(&class_field()).add(&annotation, name));
    }
}
