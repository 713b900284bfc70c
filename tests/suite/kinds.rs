//! The tables of [`Kind`] against the constants of the Kubernetes API.

use ingress_guard::model::Kind;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, Pod, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope, Resource};

/// Kind, group, version, plural, and whether it is namespaced.
type Row = (&'static str, &'static str, &'static str, &'static str, bool);

const fn namespaced<R: Resource<Scope = NamespaceResourceScope>>() -> Row {
    (R::KIND, R::GROUP, R::VERSION, R::URL_PATH_SEGMENT, true)
}

const fn clustered<R: Resource<Scope = ClusterResourceScope>>() -> Row {
    (R::KIND, R::GROUP, R::VERSION, R::URL_PATH_SEGMENT, false)
}

fn expected(kind: Kind) -> Row {
    match kind {
        Kind::ApiService => clustered::<APIService>(),
        // A custom resource of cert-manager, which k8s-openapi does not contain.
        Kind::Certificate => ("Certificate", "cert-manager.io", "v1", "certificates", true),
        Kind::ConfigMap => namespaced::<ConfigMap>(),
        Kind::DaemonSet => namespaced::<DaemonSet>(),
        Kind::Deployment => namespaced::<Deployment>(),
        Kind::EndpointSlice => namespaced::<EndpointSlice>(),
        Kind::Ingress => namespaced::<Ingress>(),
        Kind::IngressClass => clustered::<IngressClass>(),
        Kind::MutatingWebhookConfiguration => clustered::<MutatingWebhookConfiguration>(),
        Kind::Namespace => clustered::<Namespace>(),
        Kind::Node => clustered::<Node>(),
        Kind::Pod => namespaced::<Pod>(),
        Kind::Secret => namespaced::<Secret>(),
        Kind::Service => namespaced::<Service>(),
        Kind::StatefulSet => namespaced::<StatefulSet>(),
        Kind::ValidatingWebhookConfiguration => clustered::<ValidatingWebhookConfiguration>(),
    }
}

#[test]
fn the_tables_of_kinds_match_the_kubernetes_api() {
    for kind in Kind::ALL {
        let row = (kind.name(), kind.group(), kind.version(), kind.plural(), kind.is_namespaced());
        assert_eq!(row, expected(kind));
    }
}
