//! A connection to the webhook from where the command runs. Its certificate is read, not verified: the links do that.

use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::doctor::{Connection, Endpoint};
use crate::prober::peer_chain;

/// The time limit of the connection, and that of the handshake.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether this process runs in a pod.
pub(super) fn is_inside() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

pub(super) async fn connect(endpoint: Option<&Endpoint>, service: Option<&Service>) -> Connection {
    let Some(endpoint) = endpoint else { return Connection::NotTried("the address is not known".to_owned()) };
    // Outside the cluster, the address of the Service may belong to another network.
    if endpoint.service().is_some() && !is_inside() {
        return Connection::NotTried(
            "not measured: the address of the Service is valid only inside the cluster".to_owned(),
        );
    }
    let Some((host, port)) = address(endpoint, service) else {
        return Connection::NotTried("the Service has no address".to_owned());
    };
    let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let stream = match within(TcpStream::connect((host.as_str(), port))).await {
        Ok(stream) => stream,
        // Pods need not reach the URL of a registration, only the API server must.
        Err(reason) => {
            let is_inside = is_inside() && endpoint.service().is_some();
            return Connection::Refused { address, reason, is_inside };
        }
    };
    match within(peer_chain(&endpoint.server_name(), stream)).await {
        Ok(chain) => Connection::Tls { address, chain },
        Err(reason) => Connection::Plain { address, reason },
    }
}

async fn within<T>(work: impl Future<Output = std::io::Result<T>>) -> Result<T, String> {
    match timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

fn address(endpoint: &Endpoint, service: Option<&Service>) -> Option<(String, u16)> {
    match endpoint {
        Endpoint::Service(_, port) => {
            let address = service?.spec.as_ref()?.cluster_ip.clone()?;
            let port = u16::try_from(*port).ok()?;
            (address != "None" && !address.is_empty()).then_some((address, port))
        }
        Endpoint::Url(url) => {
            let url = url::Url::parse(url).ok()?;
            Some((endpoint.server_name(), url.port_or_known_default()?))
        }
    }
}
