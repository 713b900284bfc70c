//! The ingress controllers that are known by name. docs/controllers.md describes each row with its sources.

use crate::model::{Annotations, Ingress, NGINX_PREFIX, Path, PathType};
use crate::routing::path_matching::{PathMatching, PathMeaning};

use PathMatching::{Elements, ElementsOrText, Text, Unknown};

/// A known ingress controller.
#[derive(Debug)]
pub struct KnownController {
    /// The product.
    pub product: &'static str,
    /// The values of `spec.controller`. A controller may add `/` and a name of its own.
    controllers: &'static [&'static str],
    /// The values of the class annotation that it handles without an IngressClass.
    annotation_classes: &'static [&'static str],
    /// The values of `spec.ingressClassName` that it handles without an IngressClass.
    class_names: &'static [&'static str],
    /// It reads the class annotation only.
    pub ignores_class_field: bool,
    /// The values of the label `app.kubernetes.io/name` of its workloads and pods, if they may read the annotations of ingress-nginx.
    workload_names: &'static [&'static str],
    /// The prefixes of its annotations, the current one first.
    pub prefixes: &'static [&'static str],
    /// How it matches `Prefix` paths.
    prefix: PathMatching,
    /// How it matches `ImplementationSpecific` paths.
    implementation_specific: PathMatching,
    /// The annotations that change how it matches paths.
    matching_annotations: &'static [&'static str],
    /// Where it reads the Secrets of TLS entries.
    pub secrets: SecretSource,
    /// It matches the port of a backend with the ports of the Service only, never with targetPorts.
    pub wants_service_port: bool,
    /// It connects to node ports of a Service if this annotation of the Ingress or the Service has this value.
    pub uses_node_ports_if: Option<(&'static str, &'static str)>,
    /// It gives a host to one Ingress, the oldest, unless the Ingresses are mergeable.
    pub one_ingress_per_host: bool,
    /// Which Ingresses share a load balancer. Others of the same host are behind other addresses.
    balancer: LoadBalancer,
}

/// Which Ingresses share a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LoadBalancer {
    /// All.
    Shared,
    /// Each has its own.
    OfIngress,
    /// Those with the same value of this annotation; each of the others may have its own.
    OfGroup(&'static str),
}

/// Where a controller reads the Secrets of TLS entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretSource {
    /// In the namespace of the Ingress.
    Ingress,
    /// In the namespace of the controller's gateway.
    Gateway,
    /// It does not read Secrets.
    Elsewhere,
    /// Unknown.
    Unknown,
}

/// A row with the rules of Kubernetes, whose Secrets are in the namespace of the Ingress.
const KUBERNETES: KnownController = KnownController {
    product: "",
    controllers: &[],
    annotation_classes: &[],
    class_names: &[],
    ignores_class_field: false,
    workload_names: &[],
    prefixes: &[],
    prefix: Elements,
    implementation_specific: Unknown,
    matching_annotations: &[],
    secrets: SecretSource::Ingress,
    wants_service_port: false,
    uses_node_ports_if: None,
    one_ingress_per_host: false,
    balancer: LoadBalancer::Shared,
};

/// A prefix that several controllers read.
const SHARED_PREFIX: &str = "ingress.kubernetes.io/";

/// The controllers, ingress-nginx first.
static ALL: &[KnownController] = &[
    KnownController {
        product: "ingress-nginx",
        controllers: &["k8s.io/ingress-nginx"],
        workload_names: &["ingress-nginx", "rke2-ingress-nginx", "nginx-ingress-controller"],
        prefixes: &[NGINX_PREFIX],
        ..KUBERNETES
    },
    KnownController {
        product: "F5 NGINX Ingress Controller",
        controllers: &["nginx.org/ingress-controller"],
        prefixes: &["nginx.org/", "nginx.com/"],
        prefix: Text,
        implementation_specific: Text,
        matching_annotations: &["nginx.org/path-regex"],
        one_ingress_per_host: true,
        ..KUBERNETES
    },
    KnownController {
        product: "Traefik",
        controllers: &["traefik.io/ingress-controller"],
        annotation_classes: &["traefik"],
        workload_names: &["traefik"],
        prefixes: &["traefik.ingress.kubernetes.io/"],
        prefix: ElementsOrText,
        implementation_specific: ElementsOrText,
        matching_annotations: &["traefik.ingress.kubernetes.io/router.pathmatcher"],
        wants_service_port: true,
        ..KUBERNETES
    },
    KnownController {
        product: "AWS Load Balancer Controller",
        controllers: &["ingress.k8s.aws/alb", "eks.amazonaws.com/alb"],
        annotation_classes: &["alb"],
        prefixes: &["alb.ingress.kubernetes.io/"],
        implementation_specific: PathMatching::Glob,
        matching_annotations: &["alb.ingress.kubernetes.io/use-regex-path-match"],
        secrets: SecretSource::Elsewhere,
        wants_service_port: true,
        uses_node_ports_if: Some(("alb.ingress.kubernetes.io/target-type", "instance")),
        balancer: LoadBalancer::OfGroup("alb.ingress.kubernetes.io/group.name"),
        ..KUBERNETES
    },
    KnownController {
        product: "GKE Ingress",
        controllers: &["k8s.io/ingress-gce", "ingress.gcp.kubernetes.io/gce"],
        annotation_classes: &["gce", "gce-internal"],
        ignores_class_field: true,
        prefixes: &["networking.gke.io/", "ingress.gcp.kubernetes.io/"],
        implementation_specific: PathMatching::StarBelow,
        wants_service_port: true,
        balancer: LoadBalancer::OfIngress,
        ..KUBERNETES
    },
    KnownController {
        product: "Istio",
        controllers: &["istio.io/ingress-controller"],
        annotation_classes: &["istio"],
        implementation_specific: PathMatching::StarRest,
        secrets: SecretSource::Gateway,
        ..KUBERNETES
    },
    KnownController {
        product: "Contour",
        controllers: &["projectcontour.io/ingress-controller"],
        annotation_classes: &["contour"],
        class_names: &["contour"],
        prefixes: &["projectcontour.io/"],
        implementation_specific: PathMatching::RegexIf("^+*[]%"),
        wants_service_port: true,
        ..KUBERNETES
    },
    KnownController {
        product: "Application Gateway Ingress Controller",
        controllers: &["azure/application-gateway"],
        annotation_classes: &["azure/application-gateway"],
        prefixes: &["appgw.ingress.kubernetes.io/"],
        implementation_specific: PathMatching::StarUnordered,
        ..KUBERNETES
    },
    KnownController {
        product: "Kong",
        controllers: &["ingress-controllers.konghq.com/kong"],
        annotation_classes: &["kong"],
        class_names: &["kong"],
        prefixes: &["konghq.com/", SHARED_PREFIX],
        implementation_specific: PathMatching::RegexAfter("/~"),
        matching_annotations: &["konghq.com/regex-prefix"],
        ..KUBERNETES
    },
    KnownController {
        product: "HAProxy Kubernetes Ingress Controller",
        controllers: &["haproxy.org/ingress-controller"],
        prefixes: &["haproxy.org/", SHARED_PREFIX],
        implementation_specific: Text,
        ..KUBERNETES
    },
    KnownController {
        product: "HAProxy Ingress",
        controllers: &["haproxy-ingress.github.io/controller"],
        annotation_classes: &["haproxy"],
        prefixes: &["haproxy-ingress.github.io/", SHARED_PREFIX],
        implementation_specific: Text,
        matching_annotations: &["haproxy-ingress.github.io/path-type", "ingress.kubernetes.io/path-type"],
        ..KUBERNETES
    },
    KnownController {
        product: "Skipper",
        annotation_classes: &["skipper"],
        class_names: &["skipper"],
        prefixes: &["zalando.org/"],
        secrets: SecretSource::Unknown,
        ..KUBERNETES
    },
    KnownController {
        product: "Apache APISIX",
        controllers: &["apisix.apache.org/apisix-ingress", "apisix.apache.org/apisix-ingress-controller"],
        annotation_classes: &["apisix"],
        prefixes: &["k8s.apisix.apache.org/"],
        implementation_specific: PathMatching::StarText,
        matching_annotations: &["k8s.apisix.apache.org/use-regex"],
        secrets: SecretSource::Unknown,
        ..KUBERNETES
    },
    KnownController {
        product: "Cilium",
        controllers: &["cilium.io/ingress-controller"],
        annotation_classes: &["cilium"],
        class_names: &["cilium"],
        prefixes: &["ingress.cilium.io/"],
        ..KUBERNETES
    },
];

impl KnownController {
    /// Returns the controller with this value of `spec.controller`.
    #[must_use]
    pub fn named(controller: &str) -> Option<&'static Self> {
        let is_it =
            |name: &str| controller.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        ALL.iter().find(|row| row.controllers.iter().any(|name| is_it(name)))
    }

    /// Returns the values of the label `app.kubernetes.io/name` of controllers that may read the annotations of ingress-nginx.
    pub(super) fn workload_names() -> impl Iterator<Item = &'static str> {
        ALL.iter().flat_map(|row| row.workload_names).copied()
    }

    /// Returns whether its workloads may read the annotations of ingress-nginx.
    pub(super) const fn may_read_nginx_annotations(&self) -> bool {
        !self.workload_names.is_empty()
    }

    /// Returns whether a value of `spec.controller` belongs to a controller other than ingress-nginx: it is a value of a row, or has the
    /// domain of one. Kubernetes' own domain says nothing.
    pub(super) fn is_of_another(controller: &str) -> bool {
        fn domain(value: &str) -> &str {
            value.split('/').next().unwrap_or_default()
        }
        let is_named = Self::named(controller).is_some_and(|row| !std::ptr::eq(row, Self::ingress_nginx()));
        let mut names = ALL.iter().flat_map(|row| row.controllers);
        is_named || (domain(controller) != "k8s.io" && names.any(|name| domain(name) == domain(controller)))
    }

    /// Returns the controller that handles this value of the class annotation without an IngressClass.
    #[must_use]
    pub fn of_annotation_class(value: &str) -> Option<&'static Self> {
        ALL.iter().find(|row| row.annotation_classes.contains(&value))
    }

    /// Returns the controller that handles this value of `spec.ingressClassName` without an IngressClass.
    #[must_use]
    pub fn of_class_name(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|row| row.class_names.contains(&name))
    }

    /// Returns the controller that reads the annotation class of this name and ignores `spec.ingressClassName`.
    #[must_use]
    pub fn of_annotation_only(name: &str) -> Option<&'static Self> {
        Self::of_annotation_class(name).filter(|row| row.ignores_class_field)
    }

    /// Returns the first controller with annotations of this prefix.
    #[must_use]
    pub fn reading(annotation: &str) -> Option<&'static Self> {
        ALL.iter().find(|row| row.reads(annotation))
    }

    /// Returns whether its annotations have the prefix of this one.
    #[must_use]
    pub fn reads(&self, annotation: &str) -> bool {
        self.prefixes.iter().any(|prefix| annotation.starts_with(prefix))
    }

    /// Returns the controller whose annotations an Ingress has; `None`: it has those of none or of several.
    #[must_use]
    pub fn marked_by(annotations: &Annotations) -> Option<&'static Self> {
        let mut marked = annotations.iter().filter(|(key, _)| !key.starts_with(SHARED_PREFIX));
        let first = marked.find_map(|(key, _)| Self::reading(key))?;
        let is_other = |key: &str| Self::reading(key).is_some_and(|other| !std::ptr::eq(other, first));
        if marked.any(|(key, _)| is_other(key)) { None } else { Some(first) }
    }

    /// Returns whether Ingresses may have load balancers of their own.
    pub(super) fn has_own_balancers(&self) -> bool {
        self.balancer != LoadBalancer::Shared
    }

    /// Returns whether two Ingresses certainly share a load balancer.
    #[must_use]
    pub fn shares_balancer(&self, one: &Ingress, other: &Ingress) -> bool {
        let group = |of: &Ingress, name| of.meta.annotations.get(name).map(str::to_owned);
        one.meta.key == other.meta.key
            || match self.balancer {
                LoadBalancer::Shared => true,
                LoadBalancer::OfIngress => false,
                LoadBalancer::OfGroup(name) => group(one, name).is_some() && group(one, name) == group(other, name),
            }
    }

    /// Returns the first value of `spec.controller`.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.controllers.first().copied()
    }

    /// Returns ingress-nginx.
    #[must_use]
    pub fn ingress_nginx() -> &'static Self {
        &ALL[0]
    }

    /// Returns the requests that a path of an Ingress with these annotations matches.
    #[must_use]
    pub fn meaning<'p>(&self, annotations: &Annotations, path: &'p Path) -> PathMeaning<'p> {
        let is_changed = || self.matching_annotations.iter().any(|name| annotations.get(name).is_some());
        let matching = match path.path_type {
            PathType::Exact => return PathMeaning::Exact(path.routed()),
            PathType::Prefix if self.prefix == Elements => Elements,
            PathType::Prefix | PathType::ImplementationSpecific if is_changed() => Unknown,
            PathType::Prefix => self.prefix,
            PathType::ImplementationSpecific => self.implementation_specific,
        };
        matching.of(path.routed())
    }
}

/// Returns the requests that a path matches on a controller that is not known: the rules of Kubernetes leave
/// `ImplementationSpecific` open.
#[must_use]
pub(super) fn meaning_by_kubernetes(path: &Path) -> PathMeaning<'_> {
    match path.path_type {
        PathType::Exact => PathMeaning::Exact(path.routed()),
        PathType::Prefix => PathMeaning::Elements(path.routed()),
        PathType::ImplementationSpecific => Unknown.of(path.routed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::is_relevant;

    #[test]
    fn controllers_are_found_by_every_name() {
        let product = |row: Option<&KnownController>| row.map_or("", |row| row.product);
        assert_eq!(
            product(KnownController::named("haproxy.org/ingress-controller/edge")),
            "HAProxy Kubernetes Ingress Controller"
        );
        assert_eq!(product(KnownController::named("k8s.io/ingress-nginx-own")), "");
        assert_eq!(
            product(KnownController::of_annotation_class("azure/application-gateway")),
            "Application Gateway Ingress Controller"
        );
        assert_eq!(product(KnownController::of_class_name("alb")), "");
        assert_eq!(product(KnownController::of_annotation_only("gce-internal")), "GKE Ingress");
        assert_eq!(product(KnownController::of_annotation_only("alb")), "");
        assert_eq!(product(KnownController::reading("ingress.kubernetes.io/x")), "Kong");
    }

    #[test]
    fn every_annotation_of_a_row_is_kept_when_an_ingress_is_read() {
        for row in ALL {
            let names = row.matching_annotations.iter().copied().map(str::to_owned);
            for name in names.chain(row.prefixes.iter().map(|prefix| format!("{prefix}x"))) {
                assert!(is_relevant(&name), "{name}");
            }
        }
    }
}
