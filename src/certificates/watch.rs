//! A watch on the webhook configuration, so that a change of the caBundle is noticed at once. Without the permission for it, the
//! regular reads notice the change later.

use std::pin::pin;
use std::time::Duration;

use futures::TryStreamExt as _;
use kube::Client;
use kube::api::WatchParams;
use kube::core::{PartialObjectMeta, Request};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::registration::CONFIGURATIONS;

/// The pause before the next watch.
const PAUSE: Duration = Duration::from_secs(1);

/// Reports every change of one webhook configuration, without end.
pub(super) async fn follow(client: &Client, name: &str, changed: &Notify) {
    let params = WatchParams { field_selector: Some(format!("metadata.name={name}")), ..WatchParams::default() };
    loop {
        if let Err(error) = watch(client, &params, changed).await {
            tracing::debug!(%error, "the watch on the webhook configuration ended");
        }
        sleep(PAUSE).await;
    }
}

async fn watch(client: &Client, params: &WatchParams, changed: &Notify) -> Result<(), kube::Error> {
    // Without a resourceVersion it begins with the present object.
    let request = Request::new(CONFIGURATIONS).watch(params, "").map_err(kube::Error::BuildRequest)?;
    let mut events = pin!(client.request_events::<PartialObjectMeta>(request).await?);
    while events.try_next().await?.is_some() {
        changed.notify_one();
    }
    Ok(())
}
