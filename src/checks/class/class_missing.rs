//! IG102: no class at all.

use super::class_field;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{ClassRef, Kind, Kinds};
use crate::routing::Classless;

pub(crate) static CLASS_MISSING: Check = Check {
    code: "IG102",
    name: "class-missing",
    summary: "neither `spec.ingressClassName` nor the class annotation, and no default class was filled in",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::IngressClass, Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("class_missing.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.ingress.class_ref() != ClassRef::Classless || cx.settings.classes.classless == Classless::Served {
        return;
    }
    let ignored = cx.settings.classes.classless == Classless::Ignored;
    if !ignored && !cx.view.served(ClassRef::Classless).is_absent() {
        return;
    }
    // An object that no API server has stored yet will be given the default class when it is.
    let default = cx.view.default_class();
    if cx.ingress.meta.created.is_none() && !default.is_absent() {
        return;
    }
    let message = if ignored {
        "the Ingress names no class: nobody serves it, and visitors get 404"
    } else {
        "the Ingress names no class: ingress-nginx and others ignore it, and visitors get 404"
    };
    let finding = out.add(class_field(), "classless", message);
    finding.rests_on_index("served classes");
    match default.found() {
        Some(class) => finding.help(format!(
            "set it to {:?}; the default class is filled in only when an Ingress is created",
            class.meta.key.name
        )),
        None => finding.help("set spec.ingressClassName"),
    };
}
