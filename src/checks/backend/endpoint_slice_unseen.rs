//! IG210: endpoints in an EndpointSlice that ingress-nginx ignores.

use foldhash::{HashMap, HashMapExt as _};

use super::{Fallback, service, service_backends};
use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels};
use crate::model::{EndpointSlice, Key, Kind, Kinds, ServiceType};
use crate::routing::{is_named_for, slice_prefix};

pub(crate) static ENDPOINT_SLICE_UNSEEN: Check = Check {
    code: "IG210",
    name: "endpoint-slice-unseen",
    summary: "ready endpoints are in an EndpointSlice whose name does not start with the name of the Service",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::of(&[Kind::EndpointSlice, Kind::Service]),
    hints: Kinds::of(&[Kind::Ingress, Kind::IngressClass]),
    page: include_str!("endpoint_slice_unseen.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let fallback = Fallback::of(cx);
    let mut known: HashMap<&str, Option<Unseen<'_>>> = HashMap::new();
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend).filter(|service| service.kind != ServiceType::ExternalName) else {
            continue;
        };
        if cx.controller.dials_address(cx.ingress, service, backend.port) {
            continue;
        }
        let unseen = known.entry(backend.name).or_insert_with(|| unseen(cx, backend.name));
        let Some(Unseen { slice, others_serve }) = unseen else { continue };
        let consequence = if *others_serve {
            "its endpoints receive no requests".to_owned()
        } else {
            fallback.consequence(cx, &backend)
        };
        let prefix = slice_prefix(backend.name);
        let message = format!("ingress-nginx ignores EndpointSlice {:?}: {consequence}", slice.key.name);
        let finding = out.add(backend.name_field(), backend.service_subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
        finding.rests_on_index_of(Kind::EndpointSlice, "endpoints");
        finding.help(format!("recreate it with a name that starts with {prefix:?}"));
        fallback.add_evidence(cx, finding);
        if *others_serve || backend.doubt.is_some() || fallback.may_answer(cx, &backend) {
            finding.at_most(AUDIT);
        }
    }
}

/// A slice with ready endpoints that the controller ignores.
struct Unseen<'a> {
    slice: &'a EndpointSlice,
    /// Another slice of the Service, which the controller reads, has ready endpoints.
    others_serve: bool,
}

fn unseen<'a>(cx: &Context<'a>, service: &str) -> Option<Unseen<'a>> {
    let Lookup::Found(slices) = cx.view.endpoint_slices(cx.namespace(), service) else { return None };
    let ready = slices.into_iter().filter(|slice| slice.ready > 0);
    let (seen, unseen): (Vec<_>, Vec<_>) = ready.partition(|slice| is_named_for(slice, service));
    unseen.first().map(|slice| Unseen { slice, others_serve: !seen.is_empty() })
}
