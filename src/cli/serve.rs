//! `ingress-guard serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use parking_lot::RwLock;

use crate::admission::Reviewer;
use crate::cluster;
use crate::model::Kind;
use crate::server::{self, CertificateSource, Limits, SelfSigned, Server, Signals, TlsOptions};
use crate::telemetry::{self, LogFormat, Metrics};

/// How often the certificate files are read again. kubelet takes up to a minute to bring a new Secret.
const CERTIFICATE_POLL: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files and folders that are the whole cluster (YAML or JSON).
    #[arg(long, env = "INGRESS_GUARD_MANIFESTS", value_name = "PATH", num_args = 1.., value_delimiter = ',')]
    manifests: Vec<PathBuf>,
    /// Address of the webhook, HTTPS.
    #[arg(long, env = "INGRESS_GUARD_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Address of /livez, /readyz and /metrics, plain HTTP.
    #[arg(long, env = "INGRESS_GUARD_HEALTH_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    health_listen: SocketAddr,
    /// Certificate chain, PEM; read again whenever it changes. Without it a certificate is made in memory.
    #[arg(long, env = "INGRESS_GUARD_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, env = "INGRESS_GUARD_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Serve only clients with a certificate of this authority, PEM.
    #[arg(long, env = "INGRESS_GUARD_CLIENT_CA", value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Configuration file.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// How log lines are written.
    #[arg(long, env = "INGRESS_GUARD_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    telemetry::start_log(arguments.log_format)?;
    let reviewer = Arc::new(reviewer(&arguments)?);
    let options = options(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(serve(options, reviewer))
}

async fn serve(options: server::Options, reviewer: Arc<Reviewer>) -> anyhow::Result<()> {
    let signals = Signals::listen().context("cannot listen for signals")?;
    let metrics = Arc::new(Metrics::new());
    let app = server::webhook(Arc::clone(&reviewer), &options.limits, Arc::clone(&metrics));
    let server = Server::bind(options, metrics).await?;
    tokio::select! {
        _drained = server.run(app, reviewer, signals.drain) => Ok(()),
        () = signals.abort.cancelled() => bail!("ended by a second signal before the drain was over"),
    }
}

/// The engine over an inventory of manifests.
fn reviewer(arguments: &Arguments) -> anyhow::Result<Reviewer> {
    let config = super::config(arguments.config.as_deref())?;
    if arguments.manifests.is_empty() {
        bail!(
            "serve needs --manifests PATH: this version judges against manifest files, not yet against a live cluster"
        );
    }
    let mut inventory = cluster::load(&arguments.manifests)?;
    config.restrict(&mut inventory);
    for kind in Kind::ALL {
        tracing::info!(kind = kind.name(), objects = inventory.count(kind), "loaded");
    }
    let engine = config.engine();
    Ok(Reviewer::new(Arc::new(RwLock::new(inventory)), engine, config.policy, Timestamp::now))
}

fn options(arguments: Arguments) -> anyhow::Result<server::Options> {
    let certificate = if let (Some(certificate), Some(key)) = (arguments.tls_cert, arguments.tls_key) {
        CertificateSource::Files { certificate, key }
    } else {
        let made = SelfSigned::generate(&[])?;
        // Whoever calls must trust it: it goes to `curl --cacert` or, in base64, into caBundle.
        super::print(made.certificate_pem())?;
        CertificateSource::Memory(made)
    };
    Ok(server::Options {
        listen: arguments.listen,
        health_listen: arguments.health_listen,
        tls: TlsOptions { certificate, client_ca: arguments.client_ca, poll: CERTIFICATE_POLL },
        limits: Limits::default(),
    })
}
