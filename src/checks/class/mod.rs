//! IG1xx: who takes this Ingress?

mod class_annotation_legacy;
mod class_annotation_unmatched;
mod class_field_on_gce;
mod class_missing;
mod class_not_found;

pub(super) use class_annotation_legacy::CLASS_ANNOTATION_LEGACY;
pub(super) use class_annotation_unmatched::CLASS_ANNOTATION_UNMATCHED;
pub(super) use class_field_on_gce::CLASS_FIELD_ON_GCE;
pub(super) use class_missing::CLASS_MISSING;
pub(super) use class_not_found::CLASS_NOT_FOUND;

use crate::model::FieldPath;

fn class_field() -> FieldPath {
    FieldPath::spec().field("ingressClassName")
}
