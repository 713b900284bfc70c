//! IG703: an API version of Ingress that the API server does not serve.

use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds};
use crate::validation::ApiVersion;

pub(crate) static API_VERSION_NOT_SERVED: Check = Check {
    code: "IG703",
    name: "api-version-not-served",
    summary: "this version of Kubernetes has no Ingress in the apiVersion of the manifest",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Manifests,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("api_version_not_served.md"),
    run,
};

const NOT_STORED: &str = "the Ingress cannot be stored";

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(written) = &cx.ingress.written else { return };
    let Some(version) = ApiVersion::of(&written.value) else { return };
    let kube = cx.settings.kube_version;
    let text = written.value.get("apiVersion").and_then(serde_json::Value::as_str).unwrap_or_default();
    let (problem, help) = match version.served() {
        None => ("is not an API version of Ingress".to_owned(), "use networking.k8s.io/v1"),
        Some((first, _)) if kube < first => (
            format!("is served since Kubernetes {first}, not by {kube}"),
            "use networking.k8s.io/v1beta1 or extensions/v1beta1",
        ),
        Some((_, Some(end))) if kube >= end => (
            format!("is not served since Kubernetes {end}"),
            "convert it to networking.k8s.io/v1; the other checks evaluate it as this version",
        ),
        Some(_) => return,
    };
    let field = FieldPath::default().field("apiVersion");
    out.add(field, "apiVersion", format!("{} {problem}: {NOT_STORED}", Quoted(text))).help(help);
}
