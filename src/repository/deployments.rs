//! The objects of Flux and Argo CD in a file.

use super::deployment::Deployment;
use super::{argo, flux, values};

/// Returns the deployments that the text of a file describes.
pub(super) fn in_text(text: &str) -> Vec<Deployment> {
    if !flux::GROUPS.iter().chain([&argo::GROUP]).any(|group| text.contains(group)) {
        return Vec::new();
    }
    let documents = values::of(text).unwrap_or_default();
    documents
        .iter()
        .flat_map(|document| flux::deployment(document).into_iter().chain(argo::deployments(document)))
        .collect()
}
