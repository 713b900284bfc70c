//! Stands in for the kubelet, which the control plane does not have: starts the container of a stored Deployment with its arguments,
//! variables, files and account, and connects the Services that select its pods.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::names;
use crate::webhook::{Place, Webhook};

/// Starts the container `ingress-guard` of a Deployment and returns when it is ready. Only paths, ports and the address of the API
/// server differ from those of a pod. From then on Services lead to this process.
pub(crate) fn run<'c>(cluster: &'c Cluster, namespace: &str, deployment: &str, replica: &str) -> Webhook<'c> {
    let pod = Pod::of(cluster, namespace, deployment);
    let mut webhook = pod.place(cluster, format!("webhook-{namespace}-{replica}"));
    webhook.run();
    pod.publish(cluster, &webhook);
    webhook
}

/// The pods of a Deployment.
struct Pod {
    namespace: String,
    labels: Value,
    spec: Value,
}

impl Pod {
    fn of(cluster: &Cluster, namespace: &str, deployment: &str) -> Self {
        let found = get(cluster, namespace, &format!("deployment/{deployment}"));
        let template = &found["spec"]["template"];
        let (labels, spec) = (template["metadata"]["labels"].clone(), template["spec"].clone());
        Self { namespace: namespace.to_owned(), labels, spec }
    }

    fn container(&self) -> &Value {
        self.spec["containers"].as_array().unwrap().iter().find(|found| found["name"] == "ingress-guard").unwrap()
    }

    fn place<'c>(&self, cluster: &'c Cluster, name: String) -> Webhook<'c> {
        let container = self.container();
        let mounts = container["volumeMounts"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let account = text(&self.spec["serviceAccountName"]);
        let kubeconfig = cluster.kubeconfig_for_service_account(&self.namespace, &account);
        let arguments = |Place { port, health, folder }: Place<'_>| {
            let local = [(self.port("webhook"), port), (self.port("health"), health)];
            let here = |argument: &Value| {
                let argument = mounts.iter().fold(text(argument), |argument, mount| {
                    argument.replace(&text(&mount["mountPath"]), &format!("{folder}/{}", text(&mount["name"])))
                });
                local.iter().fold(argument, |argument, (port, local)| {
                    argument.replace(&format!("=0.0.0.0:{port}"), &format!("=127.0.0.1:{local}"))
                })
            };
            let rendered = container["args"].as_array().unwrap().iter().map(here);
            rendered.chain([format!("--kubeconfig={}", kubeconfig.display())]).collect()
        };
        let webhook = Webhook::placed(cluster, name, self.environment(), arguments);
        for mount in mounts {
            let volume = text(&mount["name"]);
            let files = self.files(cluster, &volume);
            let files: Vec<(&str, &[u8])> =
                files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
            webhook.put_files(&volume, &files);
        }
        webhook
    }

    fn port(&self, name: &str) -> u64 {
        let ports = self.container()["ports"].as_array().unwrap();
        ports.iter().find(|port| port["name"] == name).unwrap()["containerPort"].as_u64().unwrap()
    }

    fn environment(&self) -> Vec<String> {
        let variables = self.container()["env"].as_array().into_iter().flatten();
        let value = |variable: &Value| match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
            None => variable["value"].as_str().unwrap_or_default().to_owned(),
            Some("metadata.namespace") => self.namespace.clone(),
            Some("metadata.name") => "ingress-guard-0".to_owned(),
            Some("metadata.uid") => "6f0bbd6e-2a2c-4fd5-b6b5-6f0c6c1c8f11".to_owned(),
            Some(other) => panic!("{other} is not a field of a pod here"),
        };
        variables.map(|variable| format!("{}={}", variable["name"].as_str().unwrap(), value(variable))).collect()
    }

    /// The files of a volume, which is a ConfigMap or a Secret. Those of a token are in the kubeconfig.
    fn files(&self, cluster: &Cluster, name: &str) -> BTreeMap<String, Vec<u8>> {
        let volume = self.spec["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == name).unwrap();
        let data = |kind: &str, name: &Value| {
            let object = get(cluster, &self.namespace, &format!("{kind}/{}", name.as_str().unwrap()));
            serde_json::from_value::<BTreeMap<String, String>>(object["data"].clone()).unwrap()
        };
        match (&volume["configMap"], &volume["secret"]) {
            (Value::Object(map), _) => {
                data("configmap", &map["name"]).into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
            }
            (_, Value::Object(secret)) => data("secret", &secret["secretName"])
                .into_iter()
                .map(|(name, content)| (name, BASE64_STANDARD.decode(content).unwrap()))
                .collect(),
            _ if volume["projected"].is_object() => BTreeMap::new(),
            _ => panic!("{volume} is neither a ConfigMap nor a Secret"),
        }
    }

    /// Connects every Service that selects this pod.
    fn publish(&self, cluster: &Cluster, webhook: &Webhook<'_>) {
        let (review, health) = webhook.ports();
        let services = get(cluster, &self.namespace, "services");
        for service in services["items"].as_array().unwrap() {
            let selects = |(label, value): (&String, &Value)| self.labels[label] == *value;
            if !service["spec"]["selector"].as_object().is_some_and(|selector| selector.iter().all(selects)) {
                continue;
            }
            for port in service["spec"]["ports"].as_array().unwrap() {
                let local = match &port["targetPort"] {
                    target if *target == json!("webhook") => review,
                    target if *target == json!("health") => health,
                    other => panic!("{other} is not a port of the container"),
                };
                let name = service["metadata"]["name"].as_str().unwrap();
                names::publish(name, &self.namespace, port["port"].as_u64().unwrap(), local);
            }
        }
    }
}

fn get(cluster: &Cluster, namespace: &str, object: &str) -> Value {
    let found = cluster.kubectl(&["get", object, "--output=json", &format!("--namespace={namespace}")]).ok();
    serde_json::from_str(&found).unwrap()
}
