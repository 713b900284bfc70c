//! IG106: the controller looks at other namespaces only.

use super::class_ref_field;
use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{ClassRef, Key, Kind, Kinds};
use crate::routing::ControllerId;

pub(crate) static NAMESPACE_UNWATCHED: Check = Check {
    code: "IG106",
    name: "namespace-unwatched",
    summary: "the controller's `watchNamespaces` leave this namespace out",
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
    // Whoever has given it an address does look at it.
    if cx.dialect().watches(cx.namespace()) || cx.ingress.has_address {
        return;
    }
    let those = if cx.settings.reveal_other_namespaces { format!(" ({})", list(watched)) } else { String::new() };
    let message =
        format!("its controller watches other namespaces only{those}: it ignores this Ingress, and visitors get 404");
    let finding = out.add(class_ref_field(cx.ingress), "unwatched namespace", message);
    finding.help(format!("use a class whose controller watches {:?}", cx.namespace()));
    // Whose rules hold is the class's to say.
    if let (ClassRef::Named(name) | ClassRef::Annotated(name), ControllerId::Named(_)) =
        (cx.ingress.class_ref(), cx.controller.id)
    {
        finding.rests_on(Kind::IngressClass, Key::new("", name));
    }
}
