//! IG213: a backend port that expects HTTPS, without `backend-protocol`.

use super::{service, service_backends};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels};
use crate::model::{Key, Kind, Kinds, ServicePort, ServiceType, TargetPort};

pub(crate) static BACKEND_PROTOCOL_MISSING: Check = Check {
    code: "IG213",
    name: "backend-protocol-missing",
    summary: "the port of the backend expects HTTPS, and `backend-protocol` is not set",
    levels: Levels::new(Level::Audit, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::of(&[Kind::Service]),
    hints: Kinds::of(&[Kind::Ingress]),
    page: include_str!("backend_protocol_missing.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // With `ssl-passthrough` the controller connects with TLS, whether it passes TLS through or not (section 5.6).
    let is_decided = cx.nginx().value("backend-protocol").is_some() || cx.nginx().passes_tls_through();
    if is_decided || cx.nginx().is_canary() {
        return;
    }
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend).filter(|service| service.kind != ServiceType::ExternalName) else {
            continue;
        };
        let Some(port) = cx.controller.meant_ports(service, backend.port).next().filter(|port| expects_tls(port))
        else {
            continue;
        };
        let message = format!(
            "port {port} of Service {:?} expects HTTPS, but gets HTTP: requests return 400 or redirect in a loop",
            backend.name
        );
        let finding = out.add(backend.port_field(), backend.service_subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
        finding.help("set backend-protocol: HTTPS");
    }
}

/// Whether name, number and target of a port indicate HTTPS, and nothing indicates plain HTTP behind a proxy of the pod.
fn expects_tls(port: &ServicePort) -> bool {
    let is_https = |name: &str| name == "https" || name.starts_with("https-") || name.ends_with("-https");
    let is_http = |name: &str| !is_https(name) && name.contains("http");
    let name = port.name.as_deref().unwrap_or_default();
    let is_plain = is_http(name)
        || match &port.target {
            TargetPort::Number(target) => *target == 80 || (*target == 8080 && !is_https(name)),
            TargetPort::Name(target) => is_http(target),
        };
    port.is_https || (!is_plain && (is_https(name) || [443, 8443].contains(&port.number)))
}
