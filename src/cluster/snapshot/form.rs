//! The format of objects in a snapshot: as Kubernetes writes them, reduced to the fields that the inventory keeps. The reader
//! of manifests parses them. Only a Secret has a format of its own, because only its metadata is kept.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::secret_form::SecretFacts;
use crate::cluster::Object;
use crate::model::{
    AddressType, ApiCaller, Backend, ContainerPort, ControllerProcess, ControllerProgram, EndpointSlice,
    EnvironmentValue, Host, Ingress, IngressClass, Key, Kind, Labels, Meta, Node, Path, Pod, PodState, PodTemplate,
    PortRef, Rollout, Rule, Service, ServicePort, ServiceType, SlicePort, TargetPort, TlsEntry, Workload,
};

pub(super) fn written(object: &Object) -> Value {
    match object {
        Object::ApiCaller(kind, caller) => api_caller(*kind, caller),
        Object::Certificate(it) => {
            let ready = |is_ready| json!({"type": "Ready", "status": if is_ready { "True" } else { "False" }});
            let conditions: Vec<Value> = it.ready.map(ready).into_iter().collect();
            let status = json!({"notAfter": it.not_after, "conditions": conditions});
            json!({"metadata": of_key(&it.key), "spec": {"secretName": it.secret_name}, "status": status})
        }
        Object::ConfigMap(it) => {
            let data: BTreeMap<&str, &str> = it.data().collect();
            json!({"metadata": of_key(&it.key), "data": data})
        }
        Object::EndpointSlice(slice) => endpoint_slice(slice),
        Object::Ingress(it) => ingress(it),
        Object::IngressClass(it) => ingress_class(it),
        Object::Namespace(it) => {
            json!({"metadata": {"name": it.name, "labels": it.labels, "deletionTimestamp": it.deleting.then_some(Timestamp::UNIX_EPOCH)}})
        }
        Object::Node(it) => node(it),
        Object::Pod(it) => pod(it),
        Object::Secret(it) => json!(SecretFacts::from(it)),
        Object::Service(it) => service(it),
        Object::Workload(_, it) => workload(it),
    }
}

pub(super) fn read(kind: Kind, text: &RawValue) -> serde_json::Result<Object> {
    match kind {
        Kind::Secret => Ok(Object::Secret(serde_json::from_str::<SecretFacts>(text.get())?.try_into()?)),
        _ => Object::read(kind, text),
    }
}

fn of_key(key: &Key) -> Value {
    json!({"namespace": key.namespace, "name": key.name})
}

fn meta(meta: &Meta) -> Value {
    let mut value = of_key(&meta.key);
    let annotations: Map<String, Value> = meta.annotations.iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
    if !annotations.is_empty() {
        value["annotations"] = annotations.into();
    }
    if let Some(created) = meta.created {
        value["creationTimestamp"] = json!(created);
    }
    if meta.deleting {
        // Its start time is not kept.
        value["deletionTimestamp"] = json!(meta.created.unwrap_or_default());
    }
    value
}

fn api_caller(kind: Kind, caller: &ApiCaller) -> Value {
    let mut services = caller.services.iter().map(|service| {
        json!({"service": {"namespace": service.key.namespace, "name": service.key.name, "port": service.port}})
    });
    let metadata = json!({"name": caller.key.name});
    if kind == Kind::ApiService {
        return json!({"metadata": metadata, "spec": services.next()});
    }
    let webhooks: Vec<Value> = services.map(|config| json!({"clientConfig": config})).collect();
    json!({"metadata": metadata, "webhooks": webhooks})
}

fn endpoint_slice(slice: &EndpointSlice) -> Value {
    let mut metadata = of_key(&slice.key);
    if !slice.service.is_empty() {
        metadata["labels"] = json!({"kubernetes.io/service-name": slice.service});
    }
    let of = |ready: bool, count: u32| (0..count).map(move |_| json!({"conditions": {"ready": ready}}));
    let endpoints: Vec<Value> = of(true, slice.ready).chain(of(false, slice.not_ready)).collect();
    let port =
        |port: &SlicePort| json!({"name": port.name, "port": port.number, "protocol": port.protocol.to_string()});
    let address_type = match slice.address_type {
        AddressType::Ipv4 => "IPv4",
        AddressType::Ipv6 => "IPv6",
        AddressType::Fqdn => "FQDN",
    };
    let ports: Vec<Value> = slice.ports.iter().map(port).collect();
    json!({"metadata": metadata, "addressType": address_type, "ports": ports, "endpoints": endpoints})
}

fn service(service: &Service) -> Value {
    let port = |port: &ServicePort| {
        let target = match &port.target {
            TargetPort::Number(number) => json!(number),
            TargetPort::Name(name) => json!(name),
        };
        let mut written = json!({"name": port.name, "port": port.number, "targetPort": target, "protocol": port.protocol.to_string()});
        if port.is_https {
            written["appProtocol"] = json!("https");
        }
        written
    };
    let mut spec = json!({"ports": service.ports.iter().map(port).collect::<Vec<_>>()});
    match service.kind {
        ServiceType::Cluster if service.has_node_ports => spec["type"] = json!("NodePort"),
        ServiceType::Cluster => {}
        ServiceType::Headless => spec["clusterIP"] = json!("None"),
        ServiceType::ExternalName => {
            spec["type"] = json!("ExternalName");
            spec["externalName"] = json!(service.external_name);
        }
    }
    if !service.selector.is_empty() {
        spec["selector"] = labels(&service.selector);
    }
    if !service.addresses.is_empty() {
        spec["clusterIPs"] = json!(service.addresses);
    }
    if service.publishes_not_ready {
        spec["publishNotReadyAddresses"] = json!(true);
    }
    json!({"metadata": meta(&service.meta), "spec": spec})
}

fn labels(labels: &Labels) -> Value {
    labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>().into()
}

fn ingress_class(class: &IngressClass) -> Value {
    let mut metadata = meta(&class.meta);
    if let Some(version) = &class.version_label {
        metadata["labels"] = json!({"app.kubernetes.io/version": version});
    }
    if let Some(namespace) = &class.release_namespace {
        metadata["annotations"]["meta.helm.sh/release-namespace"] = json!(namespace);
    }
    json!({"metadata": metadata, "spec": {"controller": class.controller}})
}

fn workload(workload: &Workload) -> Value {
    let pods = |running: i32, updated: i32, available: i32| {
        json!({"observedGeneration": 1, "desiredNumberScheduled": 1, "replicas": running,
               "updatedReplicas": updated, "availableReplicas": available})
    };
    let status = match workload.rollout {
        Rollout::Unknown => Value::Null,
        Rollout::Unavailable => pods(1, 1, 0),
        Rollout::Progressing => pods(1, 0, 1),
        Rollout::Complete => pods(1, 1, 1),
    };
    let template = &workload.template;
    json!({
        "metadata": of_key(&workload.key),
        "spec": {
            "replicas": workload.replicas,
            "selector": {"matchLabels": labels(&workload.selector)},
            "template": {"metadata": {"labels": labels(&template.labels)}, "spec": containers(template)},
        },
        "status": status,
    })
}

/// One container that stands for all.
fn containers(template: &PodTemplate) -> Value {
    let port = |port: &ContainerPort| json!({"name": port.name, "containerPort": port.number, "protocol": port.protocol.to_string()});
    let mut container = json!({"ports": template.ports.iter().map(port).collect::<Vec<_>>()});
    if template.has_probe {
        container["readinessProbe"] = json!({});
    }
    if let Some(controller) = template.controller.as_deref() {
        run_by(controller, &mut container);
    }
    json!({"containers": [container]})
}

/// The command of a controller with the flags that are kept. If they are unknown, the command is a script.
fn run_by(controller: &ControllerProcess, container: &mut Value) {
    let (program, prefix) = match controller.program {
        ControllerProgram::Nginx => ("nginx-ingress-controller", "--"),
        ControllerProgram::Traefik => ("--providers.kubernetesingressnginx", "--providers.kubernetesingressnginx."),
    };
    container["image"] = json!(controller.image);
    let Some(flags) = &controller.flags else {
        container["command"] = json!(["sh"]);
        return;
    };
    let name = |name: &str| match controller.program {
        ControllerProgram::Nginx => name.to_owned(),
        ControllerProgram::Traefik => name.replace('-', ""),
    };
    let flags = flags.iter().map(|(flag, value)| format!("{prefix}{}={value}", name(flag)));
    container["args"] = std::iter::once(program.to_owned()).chain(flags).collect::<Vec<_>>().into();
    let variable = |(name, value): &(Box<str>, EnvironmentValue)| match value {
        EnvironmentValue::Text(text) => json!({"name": name, "value": text}),
        EnvironmentValue::Namespace => {
            json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}})
        }
        EnvironmentValue::Unknown => json!({"name": name, "valueFrom": {}}),
    };
    container["env"] = controller.environment.iter().map(variable).collect();
}

fn pod(pod: &Pod) -> Value {
    let mut metadata = of_key(&pod.key);
    metadata["labels"] = labels(&pod.template.labels);
    let mut spec = containers(&pod.template);
    spec["nodeName"] = json!(pod.node);
    let mut status = match &pod.state {
        PodState::Unknown => json!({}),
        PodState::Ready => json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
        PodState::NotReady(why) => json!({"phase": "Running", "reason": why}),
        PodState::Over(how) => json!({"phase": "Failed", "reason": how}),
    };
    if !pod.addresses.is_empty() {
        status["podIPs"] = pod.addresses.iter().map(|ip| json!({"ip": ip})).collect();
    }
    json!({"metadata": metadata, "spec": spec, "status": status})
}

fn node(node: &Node) -> Value {
    let is_ready = if node.is_ready { "True" } else { "False" };
    let spec = json!({"podCIDRs": node.pod_ranges});
    json!({"metadata": {"name": node.name}, "spec": spec, "status": {"conditions": [{"type": "Ready", "status": is_ready}]}})
}

fn ingress(ingress: &Ingress) -> Value {
    let mut metadata = meta(&ingress.meta);
    let solver = ingress.is_acme_solver.then_some(("acme.cert-manager.io/http01-solver", "true"));
    // The values of the other labels are not kept.
    let labels: BTreeMap<&str, &str> = ingress.annotation_labels.iter().map(|key| (&**key, "")).chain(solver).collect();
    if !labels.is_empty() {
        metadata["labels"] = json!(labels);
    }
    if let Some(label) = &ingress.class_label {
        metadata["labels"][&**label] = json!("");
    }
    let mut spec = json!({
        "tls": ingress.tls.iter().map(tls).collect::<Vec<_>>(),
        "rules": ingress.rules.iter().map(rule).collect::<Vec<_>>(),
    });
    if let Some(class) = &ingress.class_name {
        spec["ingressClassName"] = json!(class);
    }
    if let Some(default) = &ingress.default_backend {
        spec["defaultBackend"] = backend(default);
    }
    let addresses: Vec<Value> = ingress.addresses.iter().map(|text| address(text)).collect();
    json!({"metadata": metadata, "spec": spec, "status": {"loadBalancer": {"ingress": addresses}}})
}

/// An address of a load balancer: one that consists of hexadecimal digits, dots and colons is not a name.
fn address(text: &str) -> Value {
    let is_ip = text.contains(':') || text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text {
        "" => json!({}),
        ip if is_ip => json!({"ip": ip}),
        name => json!({"hostname": name}),
    }
}

fn host(host: &Host) -> String {
    if *host == Host::Any { String::new() } else { host.to_string() }
}

fn tls(entry: &TlsEntry) -> Value {
    json!({"hosts": entry.hosts.iter().map(host).collect::<Vec<_>>(), "secretName": entry.secret_name})
}

fn rule(rule: &Rule) -> Value {
    let path =
        |path: &Path| json!({"path": path.path, "pathType": path.path_type.name(), "backend": backend(&path.backend)});
    let paths: Vec<Value> = rule.paths.iter().map(path).collect();
    json!({"host": host(&rule.host), "http": {"paths": paths}})
}

fn backend(backend: &Backend) -> Value {
    match backend {
        Backend::Resource => json!({"resource": {}}),
        Backend::Service { name, port } => {
            let port = match port {
                Some(PortRef::Name(name)) => json!({"name": name}),
                Some(PortRef::Number(number)) => json!({"number": number}),
                None => json!({}),
            };
            json!({"service": {"name": name, "port": port}})
        }
    }
}
