//! Links, and the commands that fix them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;

use crate::explain::{Step, kubectl};

/// A link that holds.
pub(super) fn holds(what: &'static str, detail: impl Into<String>) -> Step {
    Step { ok: Some(true), what, detail: detail.into(), command: None }
}

/// A broken link.
pub(super) fn breaks(what: &'static str, detail: impl Into<String>, command: Option<String>) -> Step {
    Step { ok: Some(false), what, detail: detail.into(), command }
}

/// A link that is unknown.
pub(super) fn unknown(what: &'static str, detail: impl Into<String>) -> Step {
    Step { ok: None, what, detail: detail.into(), command: None }
}

/// Returns the command that renders the objects of an installation again: that of its Helm release, or of the manifests in
/// `deploy`.
pub(super) fn reinstall(service: Option<&Service>) -> Option<String> {
    let none = BTreeMap::new();
    let metadata = service.map(|service| &service.metadata);
    let annotations = metadata.and_then(|metadata| metadata.annotations.as_ref()).unwrap_or(&none);
    let of = |key: &str| annotations.get(key).map(String::as_str);
    match (of("meta.helm.sh/release-name"), of("meta.helm.sh/release-namespace")) {
        (Some(release), Some(namespace)) => {
            // The words of the command are as plain as those of kubectl.
            let command =
                kubectl(&["upgrade", release, "chart", "--reset-then-reuse-values", "--namespace", namespace])?;
            Some(command.replacen("kubectl", "helm", 1))
        }
        _ => Some("kubectl apply --filename deploy/ingress-guard.yaml --filename deploy/webhook.yaml".to_owned()),
    }
}
