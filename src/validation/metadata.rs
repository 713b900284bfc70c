//! The metadata of an Ingress: names, labels, annotations, owners, finalizers.

use super::KubeVersion;
use super::fault::{BadValue, Faults, Reason};
use super::names::{label, label_key, label_value, subdomain};
use super::node::Node;
use crate::model::placeholder::is_placeholder;
use crate::model::{CLASS_ANNOTATION, FieldPath};

/// The most bytes of all annotations together.
const ANNOTATIONS: usize = 256 << 10;

/// The problem of a class annotation beside another class.
pub(super) const CLASS_MISMATCH: &str = "must match `ingressClassName` when both are specified";

/// The same before Kubernetes 1.27.
pub(super) const CLASS_TWICE: &str = "can not be set when the class field is also set";

/// Finalizers of Kubernetes, which have no domain.
const FINALIZERS: [&str; 3] = ["foregroundDeletion", "kubernetes", "orphan"];

pub(super) fn validate(metadata: &Node<'_>, faults: &mut Faults) {
    validate_names(metadata, faults);
    validate_labels(metadata, faults);
    validate_annotations(metadata, faults);
    validate_owners(metadata, faults);
    validate_finalizers(metadata, faults);
}

fn validate_names(metadata: &Node<'_>, faults: &mut Faults) {
    let (generated, name) = (metadata.field("generateName"), metadata.field("name"));
    if !generated.text().is_empty() && !generated.is_unknown() {
        // A suffix follows, so that a hyphen may end the prefix.
        let prefix =
            generated.text().strip_suffix('-').map_or_else(|| generated.text().to_owned(), |start| format!("{start}a"));
        for problem in subdomain(&prefix) {
            faults.invalid(&generated, problem);
        }
    }
    if name.is_unknown() {
    } else if name.text().is_empty() {
        if generated.text().is_empty() {
            faults.required(&name, "name or generateName is required");
        }
    } else {
        for problem in subdomain(name.text()) {
            faults.invalid(&name, problem);
        }
    }
    let namespace = metadata.field("namespace");
    if !namespace.text().is_empty() && !namespace.is_unknown() {
        for problem in label(namespace.text()) {
            faults.invalid(&namespace, problem);
        }
    }
}

fn validate_labels(metadata: &Node<'_>, faults: &mut Faults) {
    let labels = metadata.field("labels");
    for (key, value) in labels.entries() {
        let at = labels.at.clone().key(key);
        if !is_placeholder(key) {
            for problem in label_key(key) {
                faults.invalid_value(at.clone(), BadValue::Text(key.to_owned()), problem);
            }
        }
        if !is_placeholder(value) {
            for problem in label_value(value) {
                faults.invalid_value(at.clone(), BadValue::Text(value.to_owned()), problem);
            }
        }
    }
}

fn validate_annotations(metadata: &Node<'_>, faults: &mut Faults) {
    let annotations = metadata.field("annotations");
    for (key, _) in annotations.entries().filter(|(key, _)| !is_placeholder(key)) {
        for problem in label_key(&key.to_lowercase()) {
            let fault = faults.invalid_value(annotations.at.clone().name(key), BadValue::Text(key.to_owned()), problem);
            fault.help("correct the key of the annotation");
        }
    }
    let size: usize = annotations.entries().map(|(key, value)| key.len() + value.len()).sum();
    if size > ANNOTATIONS {
        faults.add(annotations.at, Reason::TooLong(ANNOTATIONS));
    }
}

fn validate_owners(metadata: &Node<'_>, faults: &mut Faults) {
    let owners = metadata.field("ownerReferences");
    for owner in owners.items() {
        // The API server names the list, without the index of the owner.
        let mut invalid = |name: &'static str, problem: &'static str| {
            let field = owner.field(name).reported_at(owners.at.clone().field(name));
            faults.invalid(&field, problem);
        };
        let version = owner.field("apiVersion");
        if !version.is_unknown() && version.text().rsplit('/').next().is_none_or(str::is_empty) {
            invalid("apiVersion", "version must not be empty");
        }
        for name in ["kind", "name", "uid"] {
            if owner.field(name).text().is_empty() {
                invalid(name, "must not be empty");
            }
        }
    }
}

fn validate_finalizers(metadata: &Node<'_>, faults: &mut Faults) {
    let finalizers = metadata.field("finalizers");
    let has = |name: &str| finalizers.items().any(|finalizer| finalizer.text() == name);
    for finalizer in finalizers.items().filter(|finalizer| !finalizer.is_unknown()) {
        for problem in label_key(finalizer.text()) {
            faults.invalid_value(finalizers.at.clone(), BadValue::Text(finalizer.text().to_owned()), problem);
        }
    }
    if has("orphan") && has("foregroundDeletion") {
        let names: Vec<&str> = finalizers.items().map(|finalizer| finalizer.text()).collect();
        let value = BadValue::Json(serde_json::to_string(&names).unwrap_or_default());
        let problem = "finalizer orphan and foregroundDeletion cannot be both set";
        faults.invalid_value(finalizers.at.clone(), value, problem);
    }
    for finalizer in finalizers.items().filter(|finalizer| !finalizer.is_unknown()) {
        if !finalizer.text().contains('/') && !FINALIZERS.contains(&finalizer.text()) {
            faults.invalid(&finalizer, "name is neither a standard finalizer name nor is it fully qualified");
        }
    }
}

/// An Ingress is not created with a class annotation that differs from its class, nor before Kubernetes 1.27 with both.
pub(super) fn validate_class(object: &Node<'_>, kube: KubeVersion, faults: &mut Faults) {
    const EQUAL_ALLOWED: KubeVersion = KubeVersion::new(27);
    let class = object.field("spec").field("ingressClassName");
    let annotations = object.field("metadata").field("annotations");
    let Some((_, annotated)) = annotations.entries().find(|(key, _)| *key == CLASS_ANNOTATION) else { return };
    let is_unknown = class.is_unknown() || is_placeholder(annotated);
    let problem = match kube {
        _ if !class.is_set() => return,
        _ if kube < EQUAL_ALLOWED => CLASS_TWICE,
        _ if annotated == class.text() || is_unknown => return,
        _ => CLASS_MISMATCH,
    };
    let value = BadValue::Text(annotated.to_owned());
    faults.invalid_value(FieldPath::annotation(CLASS_ANNOTATION), value, problem).help("remove the annotation");
}
