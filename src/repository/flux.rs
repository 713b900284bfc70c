//! Flux: `Kustomization` and `HelmRelease` objects whose source is a directory of the repository
//! (<https://fluxcd.io/flux/components/kustomize/kustomizations/>, <https://fluxcd.io/flux/components/helm/helmreleases/>).

use serde_json::Value;

use super::deployment::{Deployment, inline};
use super::values::{at, items, text};

pub(super) const GROUPS: [&str; 2] = ["kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/"];

/// Fields of a Kustomization that change objects.
const CHANGES: [&str; 7] =
    ["patches", "patchesStrategicMerge", "patchesJson6902", "components", "namePrefix", "nameSuffix", "commonMetadata"];

/// Returns what an object of Flux applies, if it does.
pub(super) fn deployment(document: &Value) -> Option<Deployment> {
    let version = text(document, &["apiVersion"])?;
    let owned = |path: &[&str]| text(document, path).map(str::to_owned);
    match (GROUPS.iter().position(|group| version.starts_with(group))?, text(document, &["kind"])?) {
        (0, "Kustomization") => Some(Deployment {
            path: owned(&["spec", "path"])?,
            namespace: owned(&["spec", "targetNamespace"]),
            is_changed: CHANGES.iter().any(|field| at(document, &["spec", field]).is_some()),
            ..Deployment::default()
        }),
        (1, "HelmRelease") => {
            let chart = at(document, &["spec", "chart", "spec"])?;
            if text(chart, &["sourceRef", "kind"]) != Some("GitRepository") {
                return None;
            }
            let target = owned(&["spec", "targetNamespace"]);
            let name = text(document, &["metadata", "name"])?;
            let release = target.as_ref().map_or_else(|| name.to_owned(), |target| format!("{target}-{name}"));
            let has_post_renderer = !items(document, &["spec", "postRenderers"]).is_empty();
            Some(Deployment {
                path: text(chart, &["chart"])?.to_owned(),
                release: owned(&["spec", "releaseName"]).unwrap_or(release),
                namespace: target.or_else(|| owned(&["metadata", "namespace"])),
                may_lack_values: at(chart, &["ignoreMissingValuesFiles"]).and_then(Value::as_bool) == Some(true),
                is_flat: false,
                is_changed: !items(document, &["spec", "valuesFrom"]).is_empty(),
                values_files: items(chart, &["valuesFiles"])
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
                inline: inline(at(document, &["spec", "values"])),
                refusal: has_post_renderer.then(|| "its HelmRelease has a post-renderer".to_owned()),
            })
        }
        _ => None,
    }
}
