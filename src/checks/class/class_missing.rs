//! IG102: the Ingress has no class.

use super::class_field;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{ClassRef, Ingress, Kind, Kinds, is_class_key};
use crate::routing::Classless;

pub(crate) static CLASS_MISSING: Check = Check {
    code: "IG102",
    name: "class-missing",
    summary: "no class is set, and the API server added no default class",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::IngressClass, Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("class_missing.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // A running controller with --watch-ingress-without-class handles it, too.
    if cx.ingress.class_ref() != ClassRef::Classless || cx.controller.is_known() {
        return;
    }
    let ignored = cx.settings.classes.classless == Classless::Ignored;
    if !ignored && !cx.view.served(ClassRef::Classless).is_absent() {
        return;
    }
    // The API server adds the default class when it stores a new object.
    let default = cx.view.default_class();
    if cx.ingress.meta.created.is_none() && !default.is_absent() {
        return;
    }
    let default_class = if default.is_absent() { " and the cluster has no default class" } else { "" };
    let effect = if ignored {
        effects::UNHANDLED.to_owned()
    } else {
        format!("ingress-nginx and other controllers ignore this Ingress, {}", effects::NOT_FOUND)
    };
    let misplaced = misplaced_class(cx.ingress);
    let message = match &misplaced {
        Some(place) => format!("no class is set ({place} is not read): {}", effects::NOT_FOUND),
        None => format!("no class is set{default_class}: {effect}"),
    };
    let finding = out.add(class_field(), "classless", message);
    finding.rests_on_index("served classes");
    match default.found() {
        Some(class) => finding.help(format!(
            "set spec.ingressClassName: {}, the default class applies only when an Ingress is created",
            class.meta.key.name
        )),
        None if misplaced.is_some() => finding.help("set spec.ingressClassName instead"),
        None => finding.help("set spec.ingressClassName"),
    };
}

/// Returns the label or the annotation that was meant as the class: controllers read `kubernetes.io/ingress.class` only.
fn misplaced_class(ingress: &Ingress) -> Option<String> {
    let mut keys = ingress.meta.annotations.iter().map(|(key, _)| key);
    let annotation = keys.find(|key| is_class_key(key)).map(|key| format!("annotation {key}"));
    annotation.or_else(|| ingress.class_label.as_ref().map(|key| format!("label {key}")))
}
