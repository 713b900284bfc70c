//! Objects of kinds that no check reads, as far as they create others: Secrets of a known name, and Services.

use serde_json::Value;

use crate::model::Key;

/// An object of a kind that Kubernetes does not have itself.
#[derive(Debug, Clone)]
pub struct CustomResource {
    /// Its kind.
    pub kind: Box<str>,
    /// Its namespace and name.
    pub key: Key,
    /// The Secrets that are created from it.
    pub secrets: Vec<MadeSecret>,
    /// Where its operator may create Services.
    pub services: MadeServices,
}

/// A Secret that is created from another object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeSecret {
    /// Its namespace; `None`: unknown.
    pub namespace: Option<Box<str>>,
    /// Its name.
    pub name: Box<str>,
    /// Whether the file gives the namespace, or it is not assumed.
    pub has_namespace: bool,
}

/// Where an operator may create Services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MadeServices {
    /// It creates none.
    Nowhere,
    /// In these namespaces.
    In(Vec<Box<str>>),
    /// In any namespace.
    Anywhere,
}

/// A kind whose objects are turned into Secrets.
struct SecretMaker {
    group: &'static str,
    kind: &'static str,
    /// The fields with the names; the first that has a value counts. `[]` stands for each item of a list.
    names: &'static [&'static str],
    namespace: MadeIn,
}

/// The namespace of a created object.
#[derive(Clone, Copy)]
enum MadeIn {
    /// That of the object.
    Own,
    /// The one in this field, else that of the object.
    Field(&'static str),
    /// Selected by labels or by the tool.
    Unknown,
}

const fn of(group: &'static str, kind: &'static str, names: &'static [&'static str], namespace: MadeIn) -> SecretMaker {
    SecretMaker { group, kind, names, namespace }
}

const OWN_NAME: &[&str] = &["metadata.name"];

/// The fields are those of the CustomResourceDefinition of each project.
#[rustfmt::skip]
const SECRET_MAKERS: &[SecretMaker] = &[
    of("bitnami.com", "SealedSecret", OWN_NAME, MadeIn::Own),
    of("clustersecret.io", "ClusterSecret", OWN_NAME, MadeIn::Unknown),
    of("external-secrets.io", "ClusterExternalSecret", &["spec.externalSecretSpec.target.name", "spec.externalSecretName", "metadata.name"], MadeIn::Unknown),
    of("external-secrets.io", "ExternalSecret", &["spec.target.name", "metadata.name"], MadeIn::Own),
    of("isindir.github.com", "SopsSecret", &["spec.secretTemplates[].name"], MadeIn::Own),
    of("k8s.bitwarden.com", "BitwardenSecret", &["spec.secretName"], MadeIn::Own),
    of("kubernetes-client.io", "ExternalSecret", OWN_NAME, MadeIn::Own),
    of("kustomize.config.k8s.io", "Kustomization", &["secretGenerator[].name"], MadeIn::Unknown),
    of("kyverno.io", "ClusterPolicy", &["spec.rules[].generate.name"], MadeIn::Unknown),
    of("kyverno.io", "Policy", &["spec.rules[].generate.name"], MadeIn::Own),
    of("onepassword.com", "OnePasswordItem", OWN_NAME, MadeIn::Own),
    of("ricoberger.de", "VaultSecret", OWN_NAME, MadeIn::Own),
    of("secret-sync.x-k8s.io", "SecretSync", OWN_NAME, MadeIn::Own),
    of("secretgen.carvel.dev", "SecretImport", OWN_NAME, MadeIn::Own),
    of("secretgenerator.mittwald.de", "BasicAuth", OWN_NAME, MadeIn::Own),
    of("secretgenerator.mittwald.de", "StringSecret", OWN_NAME, MadeIn::Own),
    of("secrets-store.csi.x-k8s.io", "SecretProviderClass", &["spec.secretObjects[].secretName"], MadeIn::Own),
    of("secrets.doppler.com", "DopplerSecret", &["spec.managedSecret.name"], MadeIn::Field("spec.managedSecret.namespace")),
    of("secrets.hashicorp.com", "HCPVaultSecretsApp", &["spec.destination.name"], MadeIn::Own),
    of("secrets.hashicorp.com", "VaultDynamicSecret", &["spec.destination.name"], MadeIn::Own),
    of("secrets.hashicorp.com", "VaultPKISecret", &["spec.destination.name"], MadeIn::Own),
    of("secrets.hashicorp.com", "VaultStaticSecret", &["spec.destination.name"], MadeIn::Own),
    of("secrets.infisical.com", "InfisicalSecret", &["spec.managedKubeSecretReferences[].secretName", "spec.managedSecretReference.secretName"], MadeIn::Field("spec.managedSecretReference.secretNamespace")),
    of("spv.no", "AzureKeyVaultSecret", &["spec.output.secret.name"], MadeIn::Own),
];

/// The kinds that never lead to a Service, by group; without kinds: every kind of the group. Any other kind may: the operators of
/// databases, queues and monitoring create a Service for each object.
#[rustfmt::skip]
const WITHOUT_SERVICES: &[(&str, &[&str])] = &[
    ("acme.cert-manager.io", &[]),
    ("argoproj.io", &["AnalysisRun", "AnalysisTemplate", "AppProject", "ClusterAnalysisTemplate", "ClusterWorkflowTemplate", "CronWorkflow", "Experiment", "Rollout", "Workflow", "WorkflowTemplate"]),
    ("bitnami.com", &[]),
    ("cert-manager.io", &[]),
    ("cilium.io", &[]),
    ("cloud.google.com", &[]),
    ("clustersecret.io", &[]),
    ("config.gatekeeper.sh", &[]),
    ("configuration.konghq.com", &[]),
    ("constraints.gatekeeper.sh", &[]),
    ("crd.projectcalico.org", &[]),
    ("elbv2.k8s.aws", &[]),
    ("external-secrets.io", &[]),
    ("externaldns.k8s.io", &[]),
    ("generators.external-secrets.io", &[]),
    ("getambassador.io", &[]),
    ("grafana.integreatly.org", &["GrafanaAlertRuleGroup", "GrafanaContactPoint", "GrafanaDashboard", "GrafanaDatasource", "GrafanaFolder", "GrafanaLibraryPanel", "GrafanaNotificationPolicy"]),
    ("image.toolkit.fluxcd.io", &[]),
    ("isindir.github.com", &[]),
    ("k8s.bitwarden.com", &[]),
    ("k8s.cni.cncf.io", &[]),
    ("k8s.nginx.org", &[]),
    ("keda.sh", &[]),
    ("kubernetes-client.io", &[]),
    ("kustomize.config.k8s.io", &[]),
    ("kyverno.io", &[]),
    ("longhorn.io", &[]),
    ("metallb.io", &[]),
    ("monitoring.coreos.com", &["AlertmanagerConfig", "PodMonitor", "Probe", "PrometheusRule", "ScrapeConfig", "ServiceMonitor"]),
    ("networking.gke.io", &[]),
    ("networking.istio.io", &[]),
    ("notification.toolkit.fluxcd.io", &[]),
    ("onepassword.com", &[]),
    ("projectcalico.org", &[]),
    ("projectcontour.io", &[]),
    ("ricoberger.de", &[]),
    ("secretgen.carvel.dev", &[]),
    ("secretgenerator.mittwald.de", &[]),
    ("secrets-store.csi.x-k8s.io", &[]),
    ("secrets.doppler.com", &[]),
    ("secrets.hashicorp.com", &[]),
    ("secrets.infisical.com", &[]),
    ("security.istio.io", &[]),
    ("source.toolkit.fluxcd.io", &[]),
    ("spv.no", &[]),
    ("telemetry.istio.io", &[]),
    ("templates.gatekeeper.sh", &[]),
    ("traefik.containo.us", &[]),
    ("traefik.io", &[]),
    ("velero.io", &[]),
    ("wgpolicyk8s.io", &[]),
];

/// The kinds that stand for a whole set of manifests, and the field with the namespace of these; without one: any.
const BUNDLES: &[(&str, &str, Option<&str>)] = &[
    ("argoproj.io", "Application", Some("spec.destination.namespace")),
    ("argoproj.io", "ApplicationSet", None),
    ("helm.cattle.io", "HelmChart", Some("spec.targetNamespace")),
    ("helm.toolkit.fluxcd.io", "HelmRelease", Some("spec.targetNamespace")),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", None),
];

impl CustomResource {
    /// Reads an object by its `apiVersion` and kind; `None` for one that creates nothing.
    pub(super) fn read(
        api_version: &str,
        kind: &str,
        object: impl FnOnce() -> Option<Value>,
        default: &str,
    ) -> Option<Self> {
        let (group, _) = api_version.split_once('/')?;
        let maker = SECRET_MAKERS.iter().find(|maker| (maker.group, maker.kind) == (group, kind));
        let is_operated = is_operated(group, kind);
        if maker.is_none() && !is_operated {
            return None;
        }
        let object = object()?;
        let name = texts(&object, "metadata.name").first().copied().unwrap_or_default();
        let namespace = texts(&object, "metadata.namespace").first().copied();
        let key = Key::new(namespace.unwrap_or(default), name);
        let secrets = maker.map(|maker| secrets(maker, &object, (&key, namespace.is_some()))).unwrap_or_default();
        let services = if is_operated { services(group, kind, &object, &key) } else { MadeServices::Nowhere };
        Some(Self { kind: kind.into(), key, secrets, services })
    }
}

fn secrets(maker: &SecretMaker, object: &Value, (key, has_own): (&Key, bool)) -> Vec<MadeSecret> {
    let own = (Some(&*key.namespace), has_own);
    let (namespace, has_namespace) = match maker.namespace {
        MadeIn::Own => own,
        MadeIn::Field(field) => texts(object, field).first().map_or(own, |namespace| (Some(*namespace), true)),
        MadeIn::Unknown => (None, true),
    };
    let names = maker.names.iter().map(|field| texts(object, field)).find(|names| !names.is_empty());
    let made = |name: &str| MadeSecret { namespace: namespace.map(Box::from), name: name.into(), has_namespace };
    names.unwrap_or_default().into_iter().map(made).collect()
}

fn services(group: &str, kind: &str, object: &Value, key: &Key) -> MadeServices {
    match BUNDLES.iter().find(|(of, bundle, _)| (*of, *bundle) == (group, kind)) {
        Some((.., None)) => MadeServices::Anywhere,
        Some((.., Some(field))) => {
            let targets = texts(object, field).into_iter().map(Box::from);
            MadeServices::In(targets.chain([key.namespace.clone()]).collect())
        }
        None => MadeServices::In(vec![key.namespace.clone()]),
    }
}

/// Returns whether an operator may create Services for objects of a kind.
fn is_operated(group: &str, kind: &str) -> bool {
    let is_without = |(of, kinds): &(&str, &[&str])| *of == group && (kinds.is_empty() || kinds.contains(&kind));
    !is_of_kubernetes(group, kind) && !WITHOUT_SERVICES.iter().any(is_without)
}

/// Returns whether a group belongs to Kubernetes itself. Of those that its special interest groups define as custom resources, a
/// Gateway alone is a load balancer with a Service.
fn is_of_kubernetes(group: &str, kind: &str) -> bool {
    let is_gateway = group == "gateway.networking.k8s.io" && kind == "Gateway";
    !group.contains('.') || (group.ends_with(".k8s.io") && !group.ends_with(".x-k8s.io") && !is_gateway)
}

/// Returns the texts of a field.
fn texts<'v>(object: &'v Value, field: &str) -> Vec<&'v str> {
    let mut values = vec![object];
    for step in field.split('.') {
        let (name, is_list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        let inner = values.into_iter().filter_map(|value| value.get(name));
        values = if is_list { inner.filter_map(Value::as_array).flatten().collect() } else { inner.collect() };
    }
    values.into_iter().filter_map(Value::as_str).filter(|text| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(api_version: &str, kind: &str, object: &Value) -> Vec<(String, String)> {
        let made = CustomResource::read(api_version, kind, || Some(object.clone()), "default").map(|made| made.secrets);
        let text = |secret: MadeSecret| (secret.namespace.as_deref().unwrap_or("*").to_owned(), secret.name.into());
        made.unwrap_or_default().into_iter().map(text).collect()
    }

    #[test]
    fn the_names_of_created_secrets_are_read() {
        let in_shop = |spec: Value| json!({"metadata": {"name": "own", "namespace": "shop"}, "spec": spec});
        for (api_version, kind, spec, namespace, name) in [
            ("bitnami.com/v1alpha1", "SealedSecret", json!({}), "shop", "own"),
            ("external-secrets.io/v1", "ExternalSecret", json!({"target": {"name": "web"}}), "shop", "web"),
            ("external-secrets.io/v1beta1", "ExternalSecret", json!({"data": []}), "shop", "own"),
            (
                "external-secrets.io/v1",
                "ClusterExternalSecret",
                json!({"externalSecretSpec": {"target": {"name": "web"}}}),
                "*",
                "web",
            ),
            (
                "secrets-store.csi.x-k8s.io/v1",
                "SecretProviderClass",
                json!({"secretObjects": [{"secretName": "web"}]}),
                "shop",
                "web",
            ),
            (
                "secrets.hashicorp.com/v1beta1",
                "VaultStaticSecret",
                json!({"destination": {"name": "web"}}),
                "shop",
                "web",
            ),
            (
                "secrets.doppler.com/v1alpha1",
                "DopplerSecret",
                json!({"managedSecret": {"name": "web", "namespace": "other"}}),
                "other",
                "web",
            ),
            ("onepassword.com/v1", "OnePasswordItem", json!({"itemPath": "vaults/x"}), "shop", "own"),
            ("k8s.bitwarden.com/v1", "BitwardenSecret", json!({"secretName": "web"}), "shop", "web"),
        ] {
            assert_eq!(made(api_version, kind, &in_shop(spec)), [(namespace.to_owned(), name.to_owned())], "{kind}");
        }
        assert_eq!(made("example.com/v1", "SealedSecret", &in_shop(json!({}))), []);
    }

    #[test]
    fn operators_may_create_services_and_kubernetes_and_policies_do_not() {
        let services = |api_version: &str, kind: &str, object: Value| {
            CustomResource::read(api_version, kind, || Some(object), "default")
                .map_or(MadeServices::Nowhere, |made| made.services)
        };
        let plain = || json!({"metadata": {"name": "a", "namespace": "shop"}});
        let in_shop = MadeServices::In(vec!["shop".into()]);
        for (api_version, kind) in [
            ("monitoring.coreos.com/v1", "Prometheus"),
            ("example.com/v1", "Database"),
            ("gateway.networking.k8s.io/v1", "Gateway"),
            ("jobset.x-k8s.io/v1alpha2", "JobSet"),
        ] {
            assert_eq!(services(api_version, kind, plain()), in_shop, "{kind}");
        }
        for (api_version, kind) in [
            ("v1", "ServiceAccount"),
            ("batch/v1", "Job"),
            ("rbac.authorization.k8s.io/v1", "Role"),
            ("monitoring.coreos.com/v1", "ServiceMonitor"),
            ("cert-manager.io/v1", "Certificate"),
        ] {
            assert_eq!(services(api_version, kind, plain()), MadeServices::Nowhere, "{kind}");
        }
        let release = json!({"metadata": {"name": "a", "namespace": "flux"}, "spec": {"targetNamespace": "shop"}});
        let both = MadeServices::In(vec!["shop".into(), "flux".into()]);
        assert_eq!(services("helm.toolkit.fluxcd.io/v2", "HelmRelease", release), both);
        assert_eq!(services("argoproj.io/v1alpha1", "ApplicationSet", plain()), MadeServices::Anywhere);
    }
}
