//! IG1xx: the ingress class, and whether a controller handles the Ingress.

mod class_annotation_legacy;
mod class_annotation_unmatched;
mod class_field_on_gce;
mod class_missing;
mod class_not_allowed;
mod class_not_found;
mod class_unserved;
mod namespace_unwatched;

pub(super) use class_annotation_legacy::CLASS_ANNOTATION_LEGACY;
pub(super) use class_annotation_unmatched::CLASS_ANNOTATION_UNMATCHED;
pub(super) use class_field_on_gce::CLASS_FIELD_ON_GCE;
pub(super) use class_missing::CLASS_MISSING;
pub(super) use class_not_allowed::CLASS_NOT_ALLOWED;
pub(super) use class_not_found::CLASS_NOT_FOUND;
pub(super) use class_unserved::CLASS_UNSERVED;
pub(super) use namespace_unwatched::NAMESPACE_UNWATCHED;

use crate::model::{CLASS_ANNOTATION, ClassRef, FieldPath, Ingress};

/// Returns the field that names the IngressClass.
fn class_field() -> FieldPath {
    FieldPath::spec().field("ingressClassName")
}

/// Returns the field in which the Ingress sets its class, or `spec.ingressClassName` if it sets none.
fn class_ref_field(ingress: &Ingress) -> FieldPath {
    match ingress.class_ref() {
        ClassRef::Annotated(_) => FieldPath::annotation(CLASS_ANNOTATION),
        ClassRef::Named(_) | ClassRef::Classless => class_field(),
    }
}
