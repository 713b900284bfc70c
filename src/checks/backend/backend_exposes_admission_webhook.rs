//! IG212: visitors reach what only the API server should call.

use foldhash::{HashMap, HashMapExt as _};

use super::{ServiceBackend, service, service_backends};
use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{ApiCaller, Key, Kind, Kinds, PortRef};

pub(crate) static BACKEND_EXPOSES_ADMISSION_WEBHOOK: Check = Check {
    code: "IG212",
    name: "backend-exposes-admission-webhook",
    summary: "the backend is what a webhook configuration or an APIService makes the API server call",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    // Where nobody lets us see them nothing is said: few clusters have such an Ingress.
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
        let target = Key::new(cx.namespace(), backend.name);
        let known = by_name.entry(backend.name).or_insert_with(|| cx.view.api_callers(&target));
        if known.is_empty() {
            continue;
        }
        let numbers = numbers(cx, &backend);
        let is_it = |(_, caller): &&(Kind, &ApiCaller)| {
            caller.services.iter().any(|service| service.key == target && numbers.contains(&service.port))
        };
        let Some((kind, caller)) = known.iter().find(is_it) else { continue };
        let reached = match kind {
            Kind::ApiService => "visitors reach an API of the cluster",
            _ => "visitors reach the admission webhook",
        };
        let message = format!("service {:?} answers {kind} {}: {reached}", backend.name, Quoted(&caller.key.name));
        // Whichever way the port is named.
        let finding = out.add(backend.name_field(), backend.service_subject(), message);
        finding.rests_on(*kind, caller.key.clone()).rests_on(Kind::Service, target);
        finding.help("leave it to the API server");
        if backend.doubt.is_some() {
            finding.at_most(WARN);
        }
    }
}

/// The numbers of the Service's ports that a backend may mean.
fn numbers(cx: &Context<'_>, backend: &ServiceBackend<'_>) -> Vec<i32> {
    match (service(cx, backend), backend.port) {
        (Some(service), wanted) => cx.controller.meant_ports(service, wanted).map(|port| port.number).collect(),
        (None, PortRef::Number(number)) => vec![*number],
        (None, PortRef::Name(_)) => Vec::new(),
    }
}
