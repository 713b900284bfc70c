//! `/readyz` and `/metrics` of each replica: through the API server, or directly inside the cluster.

use std::time::Duration;

use http_body_util::BodyExt as _;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Client;
use kube::client::Body;
use kube::core::Request;
use kube::core::params::ListParams;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connection::is_inside;
use super::read::reason;
use crate::doctor::{Fact, Replica};
use crate::model::Key;

/// The name of the port of the Service for `/readyz` and `/metrics`.
const PORT: &str = "health";
/// The time limit of one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of one answer.
const LARGEST: u64 = 4 << 20;
/// The most replicas that are read.
const MOST: usize = 10;

/// The health port of one replica.
struct Place {
    /// The name of the pod; `None`: the endpoint names none.
    pod: Option<String>,
    address: String,
    port: u16,
}

pub(super) async fn read(
    client: &Client,
    service: Option<&Key>,
    slices: &Fact<Vec<EndpointSlice>>,
) -> Fact<Vec<Replica>> {
    let slices = slices.as_ref().map_err(Clone::clone)?;
    let Some(service) = service else { return Ok(Vec::new()) };
    let places: Vec<Place> = slices.iter().flat_map(places).take(MOST).collect();
    let mut replicas = Vec::new();
    for place in places {
        let readiness = get(client, &service.namespace, &place, "readyz").await;
        let metrics = match get(client, &service.namespace, &place, "metrics").await {
            Ok((200, text)) => Ok(text),
            Ok((status, _)) => Err(format!("/metrics answers with status {status}")),
            Err(reason) => Err(reason),
        };
        let name = place.pod.unwrap_or(place.address);
        replicas.push(Replica { name, readiness, metrics });
    }
    Ok(replicas)
}

fn places(slice: &EndpointSlice) -> impl Iterator<Item = Place> {
    let mut ports = slice.ports.iter().flatten();
    let port = ports.find(|port| port.name.as_deref() == Some(PORT)).and_then(|port| u16::try_from(port.port?).ok());
    slice.endpoints.iter().filter_map(move |endpoint| {
        let target = endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"));
        let pod = target.and_then(|target| target.name.clone());
        Some(Place { pod, address: endpoint.addresses.first()?.clone(), port: port? })
    })
}

/// Returns the status and the body of an answer.
async fn get(client: &Client, namespace: &str, place: &Place, path: &str) -> Fact<(u16, String)> {
    let proxied = match &place.pod {
        Some(pod) => through_api_server(client, namespace, pod, place.port, path).await,
        None => Err("the endpoint names no pod".to_owned()),
    };
    if proxied.is_ok() || !is_inside() {
        return proxied;
    }
    match timeout(PATIENCE, directly(&place.address, place.port, path)).await {
        Ok(answer) => answer.map_err(|error| format!("{}:{}: {error}", place.address, place.port)),
        Err(_) => Err(format!("{}:{} does not answer within {} s", place.address, place.port, PATIENCE.as_secs())),
    }
}

async fn through_api_server(client: &Client, namespace: &str, pod: &str, port: u16, path: &str) -> Fact<(u16, String)> {
    const ACTION: &str = "get pods/proxy";
    let url = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/{path}");
    let request = Request::new(url).list(&ListParams::default()).map_err(|error| error.to_string())?;
    let request = request.map(Body::from);
    let answer = async {
        let response = client.send(request).await.map_err(|error| reason(ACTION, &error))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| format!("cannot {ACTION}: {error}"))?.to_bytes();
        Ok((head.status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
    };
    let answer: Fact<(u16, String)> =
        timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(format!("{pod} does not answer")));
    match answer? {
        (403, _) => Err(format!("you have no permission to {ACTION}")),
        // The API server answers for a pod that it cannot reach.
        (status, body) if status >= 500 && !body.starts_with("not ready") => {
            Err(format!("the API server does not reach {pod}: {}", body.lines().next().unwrap_or_default()))
        }
        answer => Ok(answer),
    }
}

/// Sends a request without the API server. With HTTP/1.0, the answer ends with the connection and is not chunked.
async fn directly(address: &str, port: u16, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect((address, port)).await?;
    stream.write_all(format!("GET /{path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.take(LARGEST).read_to_string(&mut answer).await?;
    let malformed = || std::io::Error::other("the answer is not HTTP");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(malformed)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(malformed)?;
    Ok((status, body.to_owned()))
}
