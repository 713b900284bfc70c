//! IG212: clients can call a webhook or an API that only the API server should call.

use foldhash::{HashMap, HashMapExt as _};

use super::{ServiceBackend, service, service_backends};
use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{ApiCaller, Key, Kind, Kinds, PortRef};

pub(crate) static BACKEND_EXPOSES_ADMISSION_WEBHOOK: Check = Check {
    code: "IG212",
    name: "backend-exposes-admission-webhook",
    summary: "the backend is the Service of a webhook configuration or an APIService",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    // Optional, because few clusters have such an Ingress: without access the check reports nothing.
    hints: Kinds::of(&[
        Kind::ApiService,
        Kind::Ingress,
        Kind::MutatingWebhookConfiguration,
        Kind::Service,
        Kind::ValidatingWebhookConfiguration,
    ]),
    page: include_str!("backend_exposes_admission_webhook.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let mut by_name: HashMap<&str, Vec<(Kind, &ApiCaller)>> = HashMap::new();
    for backend in service_backends(cx) {
        let target = || Key::new(cx.namespace(), backend.name);
        let known = by_name.entry(backend.name).or_insert_with(|| cx.view.api_callers(&target()));
        if known.is_empty() {
            continue;
        }
        let target = target();
        let numbers = numbers(cx, &backend);
        let is_it = |(_, caller): &&(Kind, &ApiCaller)| {
            caller.services.iter().any(|service| service.key == target && numbers.contains(&service.port))
        };
        let Some((kind, caller)) = known.iter().find(is_it) else { continue };
        let reached = match kind {
            Kind::ApiService => "clients can call an aggregated Kubernetes API",
            _ => "clients can call the admission webhook",
        };
        let message = format!("Service {:?} serves {kind} {}: {reached}", backend.name, Quoted(&caller.key.name));
        // The subject has no port: the finding is the same for its number and its name.
        let finding = out.add(backend.name_field(), backend.service_subject(), message);
        finding.rests_on(*kind, caller.key.clone()).rests_on(Kind::Service, target);
        finding.help("remove this backend");
        if backend.doubt.is_some() {
            finding.at_most(WARN);
        }
    }
}

/// Returns the numbers of the Service ports that the backend may select.
fn numbers(cx: &Context<'_>, backend: &ServiceBackend<'_>) -> Vec<i32> {
    match (service(cx, backend), backend.port) {
        (Some(service), wanted) => cx.controller.meant_ports(service, wanted).map(|port| port.number).collect(),
        (None, PortRef::Number(number)) => vec![*number],
        (None, PortRef::Name(_)) => Vec::new(),
    }
}
