//! IG211: a pod receives requests before it can answer them.

use foldhash::{HashMap, HashMapExt as _};

use super::{service, service_backends};
use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, Service, ServiceType};
use crate::routing::{NamedTemplate, pod_templates};

pub(crate) static PODS_WITHOUT_READINESS_PROBE: Check = Check {
    code: "IG211",
    name: "pods-without-readiness-probe",
    summary: "the pods of the backend have no readiness probe (not evaluated at admission)",
    levels: Levels::new(Level::Audit, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::DaemonSet, Kind::Deployment, Kind::Pod, Kind::Service, Kind::StatefulSet]),
    hints: Kinds::of(&[Kind::Ingress]),
    page: include_str!("pods_without_readiness_probe.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let mut known: HashMap<&str, Option<NamedTemplate<'_>>> = HashMap::new();
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend) else { continue };
        let unprobed = known.entry(backend.name).or_insert_with(|| unprobed(cx, service));
        let Some(NamedTemplate { kind, name, .. }) = unprobed else { continue };
        let pods = if *kind == Kind::Pod {
            format!("Pod {} has", Quoted(name))
        } else {
            format!("the pods of {kind} {} have", Quoted(name))
        };
        let message = format!("{pods} no readiness probe: {} while a pod starts", effects::FAILS);
        let finding = out.add(backend.name_field(), backend.service_subject(), message);
        finding.help("add a readinessProbe to a container");
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
        finding.rests_on(*kind, Key::new(cx.namespace(), name));
        if backend.doubt.is_some() {
            finding.at_most(AUDIT);
        }
    }
}

/// Returns the first pod template without a probe. A Service that publishes not-ready pods waits for no probe.
fn unprobed<'a>(cx: &Context<'a>, service: &Service) -> Option<NamedTemplate<'a>> {
    if service.kind == ServiceType::ExternalName || service.publishes_not_ready || service.selector.is_empty() {
        return None;
    }
    pod_templates(cx.view, service).into_iter().find(|made| !made.template.has_probe)
}
