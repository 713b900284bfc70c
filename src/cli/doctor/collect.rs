//! Reads the facts from the API server, with the rights of the user.

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::{Api, Client, Resource};

use super::account::Account;
use super::read::{all, reason};
use super::{Arguments, account, connection, dry_run, replicas};
use crate::doctor::{Endpoint, Fact, Facts, Registration, Wanted, find};
use crate::model::{CHART_LABEL, Key};

/// The name of the port for reviews in the chart.
const PORT: &str = "https";

/// The label of an EndpointSlice with the name of its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

pub(super) async fn collect(client: &Client, arguments: &Arguments) -> anyhow::Result<Facts> {
    client.apiserver_version().await.context("cannot read the version of the API server")?;
    let labelled = services(client, arguments).await;
    let keys: Vec<Key> = labelled.iter().flatten().map(|(key, _)| key.clone()).collect();
    let registration = registration(client, arguments, &keys).await?;
    let endpoint = match registration.as_ref().ok().and_then(Option::as_ref) {
        Some(registration) => registration.endpoint(),
        None => labelled.iter().flatten().next().map(|(key, port)| Endpoint::Service(key.clone(), *port)),
    };
    // A registration with a URL names no Service; the pods have one nevertheless.
    let key = endpoint.as_ref().and_then(Endpoint::service).or(keys.first()).cloned();
    // A Service that cannot be found for lack of a right is unknown.
    let key_or_reason = key.clone().map_or_else(|| labelled.clone().map(|_| None), |key| Ok(Some(key)));
    let (service, slices, pods, policies) = behind(client, key_or_reason).await;
    let namespaces = all(&Api::<Namespace>::all(client.clone()), "namespaces", None).await;
    let of_api_server = Api::<EndpointSlice>::namespaced(client.clone(), "default");
    let dry_runs = if arguments.no_write {
        Err("not tried: --no-write".to_owned())
    } else {
        dry_run::try_both(client, arguments, registration.as_ref().ok().and_then(Option::as_ref), &namespaces).await?
    };
    let Account { name: account, rights, declined } = account::read(client, &pods).await;
    Ok(Facts {
        now: Timestamp::now(),
        connection: connection::connect(endpoint.as_ref(), service.as_ref().ok().and_then(Option::as_ref)).await,
        replicas: replicas::read(client, key.as_ref(), &slices).await,
        api_server: all(&of_api_server, "endpointslices", Some(&format!("{SERVICE_NAME}=kubernetes"))).await,
        mutating: all(&Api::<MutatingWebhookConfiguration>::all(client.clone()), "mutatingwebhookconfigurations", None)
            .await,
        registration,
        endpoint,
        namespaces,
        service,
        slices,
        pods,
        policies,
        dry_runs,
        rights,
        declined,
        account,
    })
}

/// The Services with the label of the chart in the order of their names, each with its port for reviews.
async fn services(client: &Client, arguments: &Arguments) -> Fact<Vec<(Key, i32)>> {
    let api = match &arguments.namespace {
        Some(namespace) => Api::<Service>::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let labels = format!("{}={}", CHART_LABEL.0, CHART_LABEL.1);
    let services = all(&api, "services", Some(&labels)).await?;
    let with_port = |service: Service| {
        let (metadata, ports) = (service.metadata, service.spec?.ports?);
        let port = ports.iter().find(|port| port.name.as_deref() == Some(PORT)).or(ports.first())?;
        Some((Key::new(&metadata.namespace?, &metadata.name?), port.port))
    };
    let mut found: Vec<(Key, i32)> = services.into_iter().filter_map(with_port).collect();
    found.sort();
    Ok(found)
}

async fn registration(
    client: &Client,
    arguments: &Arguments,
    services: &[Key],
) -> anyhow::Result<Fact<Option<Registration>>> {
    let api = Api::<ValidatingWebhookConfiguration>::all(client.clone());
    let configurations = match all(&api, "validatingwebhookconfigurations", None).await {
        Ok(configurations) => configurations,
        Err(reason) => return Ok(Err(reason)),
    };
    let wanted = Wanted {
        name: arguments.webhook_configuration.as_deref(),
        namespace: arguments.namespace.as_deref(),
        services,
    };
    let mut found = find(&configurations, &wanted);
    match found.len() {
        0 | 1 => Ok(Ok(found.pop())),
        _ => {
            let names: Vec<String> = found.into_iter().map(|registration| registration.name).collect();
            bail!(
                "several webhook configurations call ingress-guard: {}; select one with --webhook-configuration",
                names.join(", ")
            )
        }
    }
}

/// A Service with its EndpointSlices, its pods and the network policies of its namespace.
async fn behind(
    client: &Client,
    service: Fact<Option<Key>>,
) -> (Fact<Option<Service>>, Fact<Vec<EndpointSlice>>, Fact<Vec<Pod>>, Fact<Vec<NetworkPolicy>>) {
    let key = match service {
        Ok(Some(key)) => key,
        Ok(None) => return (Ok(None), Ok(Vec::new()), Ok(Vec::new()), Ok(Vec::new())),
        Err(reason) => return (Err(reason.clone()), Err(reason.clone()), Err(reason.clone()), Err(reason)),
    };
    let Key { namespace, name } = &key;
    let service = of::<Service>(client, namespace).get_opt(name).await;
    let service = service.map_err(|error| reason("get services", &error));
    let labels = format!("{SERVICE_NAME}={name}");
    let slices = all(&of::<EndpointSlice>(client, namespace), "endpointslices", Some(&labels)).await;
    let selector = service.as_ref().ok().and_then(|service| service.as_ref()?.spec.as_ref()?.selector.clone());
    let selector: Vec<String> = selector.into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect();
    let pods = if selector.is_empty() {
        Ok(Vec::new())
    } else {
        all(&of::<Pod>(client, namespace), "pods", Some(&selector.join(","))).await
    };
    let policies = all(&of::<NetworkPolicy>(client, namespace), "networkpolicies", None).await;
    (service, slices, pods, policies)
}

fn of<K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>>(client: &Client, namespace: &str) -> Api<K> {
    Api::namespaced(client.clone(), namespace)
}
