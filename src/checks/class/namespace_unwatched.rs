//! IG106: the controller does not watch the namespace.

use super::class_ref_field;
use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings, effects};
use crate::finding::{Level, Levels};
use crate::model::{ClassRef, Key, Kind, Kinds};
use crate::routing::ControllerId;

pub(crate) static NAMESPACE_UNWATCHED: Check = Check {
    code: "IG106",
    name: "namespace-unwatched",
    summary: "the namespace is not in the `watchNamespaces` of the controller",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("namespace_unwatched.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let watched = &cx.dialect().watch_namespaces;
    // A controller that has set the address watches the namespace.
    if cx.dialect().watches(cx.namespace()) || cx.ingress.has_address {
        return;
    }
    let watched = if cx.settings.reveal_other_namespaces { format!(" ({})", list(watched)) } else { String::new() };
    let message = format!("namespace {:?} is not in watchNamespaces{watched}: {}", cx.namespace(), effects::UNHANDLED);
    let finding = out.add(class_ref_field(cx.ingress), "unwatched namespace", message);
    finding.help("use a class whose controller watches it");
    cx.rests_on_settings(finding);
    // The class determines the controller.
    if let (ClassRef::Named(name) | ClassRef::Annotated(name), ControllerId::Named(_)) =
        (cx.ingress.class_ref(), cx.controller.id)
    {
        finding.rests_on(Kind::IngressClass, Key::new("", name));
    }
}
