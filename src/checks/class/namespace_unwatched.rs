//! IG106: the controller does not watch the namespace.

use super::class_ref_field;
use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{ClassRef, Key, Kind, Kinds};
use crate::routing::{ControllerId, WatchedNamespaces};

pub(crate) static NAMESPACE_UNWATCHED: Check = Check {
    code: "IG106",
    name: "namespace-unwatched",
    summary: "the namespace is not in the `watchNamespaces` of the controller",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("namespace_unwatched.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // A controller that has set the address watches the namespace.
    if cx.dialect().watches(cx.namespace()) != Some(false) || cx.ingress.has_address() {
        return;
    }
    let reveal =
        |names: String| if cx.settings.reveal_other_namespaces { format!(" ({names})") } else { String::new() };
    let (problem, is_by_labels) = match &cx.dialect().watched {
        WatchedNamespaces::Named(names) => (format!("is not in watchNamespaces{}", reveal(list(names))), false),
        WatchedNamespaces::Selected { selector, .. } => {
            let problem = "does not have the labels of --watch-namespace-selector";
            (format!("{problem}{}", reveal(selector.to_string())), true)
        }
        WatchedNamespaces::All | WatchedNamespaces::Unknown => return,
    };
    let message = format!("namespace {:?} {problem}: {}", cx.namespace(), effects::UNHANDLED);
    let finding = out.add(class_ref_field(cx.ingress), "unwatched namespace", message);
    if is_by_labels {
        // A label that was just set may not have been received.
        finding.at_most(Levels::both(Level::Warn));
    }
    finding.help("use a class whose controller watches it");
    cx.rests_on_settings(finding);
    // The class determines the controller.
    if let (ClassRef::Named(name) | ClassRef::Annotated(name), ControllerId::Named(_)) =
        (cx.ingress.class_ref(), cx.controller.id)
    {
        finding.rests_on(Kind::IngressClass, Key::new("", name));
    }
}
