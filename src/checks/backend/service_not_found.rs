//! IG201: the backend Service does not exist in the namespace of the Ingress.

use super::{Fallback, service_backends};
use crate::checks::findings::{WARN, list};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds};

pub(crate) static SERVICE_NOT_FOUND: Check = Check {
    code: "IG201",
    name: "service-not-found",
    summary: "the backend Service does not exist in the namespace of the Ingress",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Service]),
    hints: Kinds::of(&[Kind::EndpointSlice, Kind::Ingress, Kind::IngressClass]),
    page: include_str!("service_not_found.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let fallback = Fallback::of(cx);
    for backend in service_backends(cx) {
        if !cx.service(backend.name).is_absent() {
            continue;
        }
        let consequence = fallback.consequence(cx, &backend);
        let name = Quoted(backend.name);
        let message = format!("Service {name} does not exist in namespace {:?}: {consequence}", cx.namespace());
        let finding = out.add(backend.name_field(), backend.service_subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name)).help(help(cx, backend.name));
        fallback.add_evidence(cx, finding);
        if backend.doubt.is_some() || fallback.may_answer(cx, &backend) {
            finding.at_most(WARN);
        }
    }
}

fn help(cx: &Context<'_>, name: &str) -> String {
    if let Some(near) = cx.nearest(name, cx.view.service_names(cx.namespace())) {
        return format!("did you mean {near:?}?");
    }
    let mut elsewhere = cx.view.service_namespaces(name).peekable();
    if cx.settings.reveal_other_namespaces && elsewhere.peek().is_some() {
        return format!("move the Ingress to the namespace of this Service: {}", list(elsewhere));
    }
    "apply the Service first".to_owned()
}
