//! Creates two Ingresses as dry runs. The API server calls the webhook and stores nothing.

use anyhow::anyhow;
use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::{Namespace, Service};
use k8s_openapi::api::networking::v1::IngressClass;
use kube::api::{ListParams, PostParams};
use kube::client::Body;
use kube::core::Request;
use kube::{Api, Client};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;
use serde_json::Value;

use super::Arguments;
use super::read::reason;
use crate::doctor::{Answer, DryRuns, Fact, Registration, bad_ingress, good_ingress, selected};

/// The field manager of the dry runs.
const MANAGER: &str = "ingress-guard-doctor";
const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// The most Services that are read to find one for the good Ingress.
const SERVICES: u32 = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
}

pub(super) async fn try_both(
    client: &Client,
    arguments: &Arguments,
    registration: Option<&Registration>,
    namespaces: &Fact<Vec<Namespace>>,
) -> anyhow::Result<Fact<DryRuns>> {
    let wanted = arguments.dry_run_namespace.as_deref();
    let namespace = match namespace(wanted, client.default_namespace(), registration, namespaces) {
        Ok(namespace) => namespace,
        Err(reason) => return Ok(Err(reason)),
    };
    let token = token()?;
    let class = class(client).await;
    let service = service(client, &namespace).await;
    let service = service.as_ref().map(|(name, port)| (name.as_str(), *port));
    let good = good_ingress(&namespace, class.as_deref(), service, &token);
    let bad = bad_ingress(&namespace, class.as_deref(), &token);
    let good = create(client, &namespace, &good).await;
    let bad = create(client, &namespace, &bad).await;
    Ok(Ok(DryRuns { namespace, token, good, bad }))
}

/// Chooses a namespace whose Ingresses are reviewed.
fn namespace(
    wanted: Option<&str>,
    default: &str,
    registration: Option<&Registration>,
    namespaces: &Fact<Vec<Namespace>>,
) -> Fact<String> {
    let (Some(registration), Ok(namespaces)) = (registration, namespaces) else {
        return Ok(wanted.unwrap_or(default).to_owned());
    };
    let name = |namespace: &Namespace| namespace.metadata.name.clone().unwrap_or_default();
    let reviewed = namespaces.iter().filter(|namespace| selected(registration, namespace) != Some(false)).map(name);
    let mut reviewed: Vec<String> = reviewed.collect();
    reviewed.sort();
    match wanted {
        Some(wanted) if !reviewed.iter().any(|name| name == wanted) => {
            Err(format!("not tried: Ingresses in namespace {wanted} are not reviewed, or it does not exist"))
        }
        Some(wanted) => Ok(wanted.to_owned()),
        None if reviewed.iter().any(|name| name == default) => Ok(default.to_owned()),
        None => reviewed.into_iter().next().ok_or_else(|| "not tried: no namespace is reviewed".to_owned()),
    }
}

/// Returns 32 random hexadecimal digits.
fn token() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow!("the operating system provides no random numbers"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Returns an IngressClass that has to be named; `None`: the API server fills in the default, or none is known.
async fn class(client: &Client) -> Option<String> {
    let classes = Api::<IngressClass>::all(client.clone()).list(&ListParams::default()).await.ok()?.items;
    let is_default = |class: &IngressClass| {
        class.metadata.annotations.as_ref().and_then(|all| all.get(DEFAULT_CLASS)).is_some_and(|value| value == "true")
    };
    if classes.iter().any(is_default) {
        return None;
    }
    classes.into_iter().filter_map(|class| class.metadata.name).min()
}

/// Returns a Service of a namespace with a TCP port.
async fn service(client: &Client, namespace: &str) -> Option<(String, i32)> {
    let api = Api::<Service>::namespaced(client.clone(), namespace);
    let services = api.list(&ListParams::default().limit(SERVICES)).await.ok()?.items;
    services.into_iter().find_map(|service| {
        let spec = service.spec?;
        let is_external = spec.type_.as_deref() == Some("ExternalName");
        let mut ports = spec.ports.unwrap_or_default().into_iter();
        let port = ports.find(|port| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP"))?;
        (!is_external).then_some((service.metadata.name?, port.port))
    })
}

/// Creates an Ingress as a dry run. An answer of RBAC is not one of admission.
async fn create(client: &Client, namespace: &str, ingress: &Value) -> Fact<Answer> {
    const ACTION: &str = "create ingresses";
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses");
    let params = PostParams { dry_run: true, field_manager: Some(MANAGER.to_owned()) };
    let request = Request::new(path).create(&params, ingress.to_string().into_bytes());
    let request = request.map_err(|error| error.to_string())?.map(Body::from);
    let response = client.send(request).await.map_err(|error| reason(ACTION, &error))?;
    let (head, body) = response.into_parts();
    let warnings = head.headers.get_all("warning").iter().filter_map(|value| warning(value.to_str().ok()?)).collect();
    let body = body.collect().await.map_err(|error| format!("cannot {ACTION}: {error}"))?.to_bytes();
    let Status { message } = serde_json::from_slice(&body).unwrap_or_default();
    let status = head.status.as_u16();
    if status == 403 && !message.contains("admission webhook") && message.contains("cannot create resource") {
        return Err(format!("you have no permission to {ACTION} in namespace {namespace}"));
    }
    Ok(Answer { status, message, warnings })
}

/// Returns the text of a `Warning` header: `299 - "text"` (RFC 7234, 5.5).
fn warning(value: &str) -> Option<String> {
    let quoted = value.split_once('"')?.1.strip_suffix('"')?;
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        text.push(if character == '\\' { characters.next()? } else { character });
    }
    Some(text)
}
