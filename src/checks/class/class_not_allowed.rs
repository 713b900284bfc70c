//! IG107: the configuration does not allow the class in this namespace.

use super::class_ref_field;
use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings, NamespaceMatch, Release};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{ClassRef, Key, Kind, Kinds};

pub(crate) static CLASS_NOT_ALLOWED: Check = Check {
    code: "IG107",
    name: "class-not-allowed",
    summary: "policy: `namespaces[].classes` does not allow the class in this namespace; denies once it is set",
    levels: Levels::both(Level::Off),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::of(&[Kind::Namespace]),
    hints: Kinds::NONE,
    page: include_str!("class_not_allowed.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // A solver has the class of its issuer. IG102 reports Ingresses without a class.
    if cx.ingress.is_acme_solver {
        return;
    }
    let (ClassRef::Named(class) | ClassRef::Annotated(class)) = cx.ingress.class_ref() else { return };
    let Some((allowed, by_labels)) = allowed(cx) else { return };
    if allowed.iter().any(|name| name == class) {
        return;
    }
    let classes = if allowed.is_empty() { "no class".to_owned() } else { list(allowed) };
    let message = format!(
        "namespace {:?} may not use IngressClass {}: namespaces[].classes allows {classes}",
        cx.namespace(),
        Quoted(class)
    );
    let finding = out.add(class_ref_field(cx.ingress), class, message);
    finding.help(if allowed.is_empty() { "request access" } else { "use an allowed class or request access" });
    if by_labels {
        finding.rests_on(Kind::Namespace, Key::new("", cx.namespace()));
    }
}

/// Returns the classes of the first rule that matches the namespace, and whether the labels of the namespace decided.
fn allowed<'a>(cx: &Context<'a>) -> Option<(&'a [String], bool)> {
    let labels = || match cx.view.namespace(cx.namespace()) {
        Lookup::Found(namespace) => Lookup::Found(&namespace.labels),
        Lookup::Absent => Lookup::Absent,
        Lookup::Unknown => Lookup::Unknown,
    };
    let mut by_labels = false;
    for rule in &cx.settings.class_rules {
        by_labels |= matches!(rule.namespaces, NamespaceMatch::Labels(_));
        match rule.namespaces.holds(cx.namespace(), labels) {
            Lookup::Found(()) => return rule.classes.as_deref().map(|classes| (classes, by_labels)),
            Lookup::Absent => {}
            Lookup::Unknown => return None,
        }
    }
    None
}
