//! IG108: `spec.ingressClassName` is a class of GKE, which GKE does not read there.

use super::class_field;
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Patch};
use crate::model::{CLASS_ANNOTATION, ClassRef, FieldPath, Key, Kind, Kinds};
use crate::routing::{ControllerId, KnownController};

pub(crate) static CLASS_FIELD_ON_GCE: Check = Check {
    code: "IG108",
    name: "class-field-on-gce",
    summary: "`spec.ingressClassName` is a class of GKE, which GKE reads from the annotation only",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::IngressClass, Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("class_field_on_gce.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let ClassRef::Named(name) = cx.ingress.class_ref() else { return };
    // An IngressClass of that name may belong to another controller.
    let class = match cx.view.class(name) {
        Lookup::Found(class) => KnownController::named(&class.controller),
        Lookup::Absent => KnownController::of_annotation_only(name),
        Lookup::Unknown => None,
    };
    let is_of_gke = class.is_some_and(|known| known.ignores_class_field);
    let is_unserved = cx.view.served(cx.ingress.class_ref()).is_absent();
    if !is_of_gke || !is_unserved || cx.controller.id != ControllerId::None {
        return;
    }
    let message = format!(
        "the GKE controller ignores ingressClassName {name:?}: no load balancer is created, the Ingress gets no address"
    );
    // The annotation has two values. An IngressClass may have any name.
    let value = KnownController::of_annotation_only(name).map_or("gce", |_| name);
    let finding = out.add(class_field(), name, message);
    finding.rests_on(Kind::IngressClass, Key::new("", name)).rests_on_index("served classes");
    finding.help(format!("replace it with annotation {CLASS_ANNOTATION}: {value}"));
    // Without annotations the map itself would have to be added, and a patch cannot test that it is absent.
    if cx.ingress.meta.annotations.iter().next().is_some() {
        let annotation = FieldPath::annotation(CLASS_ANNOTATION);
        finding.fix(Patch::on(&class_field(), name).remove(&class_field()).add(&annotation, value));
    }
}
