//! Reads and writes reports.

use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, ObjectList, Patch, PatchParams};
use kube::core::Request;
use serde_json::Value;
use tokio::time::timeout;

use super::content::{Content, DIGEST, SOURCE, Since};
use super::schedule::Existing;
use crate::cluster::ApiError;

/// The time limit of one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reports in a page: each one can have a MiB.
const PAGE: u32 = 10;
const PAGES: usize = 2_000;

/// A kind of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReportKind {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    crd: &'static str,
    has_source: bool,
}

/// The kinds of reports, the newest first.
const KINDS: [ReportKind; 2] = [
    ReportKind {
        group: "openreports.io",
        version: "v1alpha1",
        kind: "Report",
        plural: "reports",
        crd: "reports.openreports.io",
        has_source: true,
    },
    ReportKind {
        group: "wgpolicyk8s.io",
        version: "v1alpha2",
        kind: "PolicyReport",
        plural: "policyreports",
        crd: "policyreports.wgpolicyk8s.io",
        has_source: false,
    },
];

impl ReportKind {
    /// Returns the kinds that the cluster has, the newest first.
    pub(super) async fn of_cluster(client: &Client) -> Result<Vec<Self>, ApiError> {
        let mut kinds = Vec::new();
        for kind in KINDS {
            if kind.exists(client).await? {
                kinds.push(kind);
            }
        }
        Ok(kinds)
    }

    async fn exists(self, client: &Client) -> Result<bool, ApiError> {
        #[derive(serde::Deserialize)]
        struct Resources {
            resources: Vec<Named>,
        }
        #[derive(serde::Deserialize)]
        struct Named {
            name: String,
        }
        let path = format!("/apis/{}/{}", self.group, self.version);
        let request = Request::new(path).list(&ListParams::default())?;
        match within(client.request::<Resources>(request)).await {
            Ok(Resources { resources }) => Ok(resources.iter().any(|resource| resource.name == self.plural)),
            Err(error) if error.code() == Some(404) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the name of its `CustomResourceDefinition`.
    pub(super) fn name(self) -> &'static str {
        self.crd
    }

    fn api_version(self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    fn resource(self) -> ApiResource {
        ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version: self.api_version(),
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        }
    }

    fn in_namespace(self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(client.clone(), namespace, &self.resource())
    }

    /// Returns the reports of this program in all namespaces.
    pub(super) async fn list(self, client: &Client) -> Result<Vec<Existing>, ApiError> {
        let path = format!("/apis/{}/{}/{}", self.group, self.version, self.plural);
        let mut params = ListParams::default().labels(&format!("app.kubernetes.io/managed-by={SOURCE}")).limit(PAGE);
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let request = Request::new(path.as_str()).list(&params)?;
            let page = within(client.request::<ObjectList<Value>>(request)).await?;
            // One that cannot be read has no digest that is known: it is written again.
            let reports = page.items.into_iter().filter_map(|report| serde_json::from_value(report).ok());
            found.extend(reports.filter_map(|report| existing(&report)));
            match page.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => params = params.continue_token(&next),
                None => break,
            }
        }
        Ok(found)
    }

    /// Creates or replaces the report of a namespace.
    pub(super) async fn apply(self, client: &Client, namespace: &str, content: &Content) -> Result<(), ApiError> {
        let object = content.object(&self.api_version(), self.kind, namespace, self.has_source);
        let params = PatchParams::apply(SOURCE).force();
        let api = self.in_namespace(client, namespace);
        within(api.patch_metadata(SOURCE, &params, &Patch::Apply(object))).await.map(drop)
    }

    /// Deletes the report of a namespace.
    pub(super) async fn delete(self, client: &Client, namespace: &str) -> Result<(), ApiError> {
        let api = self.in_namespace(client, namespace);
        match within(api.delete(SOURCE, &DeleteParams::default())).await {
            Err(error) if error.code() != Some(404) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Reads what is needed of a report; `None`: it has another name.
fn existing(report: &DynamicObject) -> Option<Existing> {
    report.metadata.name.as_ref().filter(|name| *name == SOURCE)?;
    let namespace = report.metadata.namespace.as_deref()?.into();
    let digest = report.metadata.annotations.as_ref().and_then(|annotations| annotations.get(DIGEST));
    let results = report.data.get("results").and_then(|results| results.as_array());
    let since: Since = results
        .into_iter()
        .flatten()
        .filter_map(|result| {
            let ingress = result.pointer("/resources/0/name")?.as_str()?;
            let code = result.get("rule")?.as_str()?;
            let time = Timestamp::from_second(result.pointer("/timestamp/seconds")?.as_i64()?).ok()?;
            Some(((ingress.into(), code.into()), time))
        })
        .collect();
    Some(Existing { namespace, digest: digest.cloned().unwrap_or_default(), since })
}

async fn within<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, ApiError> {
    Ok(timeout(PATIENCE, request).await.map_err(|_| ApiError::Silence)??)
}
