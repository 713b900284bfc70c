//! The options of the serving certificate: files, self-managed, or self-signed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use clap::Args;
use jiff::Timestamp;

use crate::certificates::{self, Lifetimes, Manager, Pair, ServiceName};
use crate::model::Key;
use crate::server::{CertificateSource, SelfSigned, TlsOptions};
use crate::telemetry::Metrics;

/// The interval at which the certificate is read again. The kubelet takes up to a minute to update a mounted Secret.
const POLL: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct CertificateArguments {
    /// Certificate chain (PEM), reloaded when it changes. Without it and --ca-secret, a self-signed certificate is generated and
    /// printed.
    #[arg(long, env = "INGRESS_GUARD_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM). Without it, the file of --tls-cert contains the key too.
    #[arg(long, env = "INGRESS_GUARD_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Require a client certificate issued by this CA (PEM).
    #[arg(long, env = "INGRESS_GUARD_CLIENT_CA", value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// The Service of the webhook. A warning is logged if the certificate is not valid for its DNS name.
    #[arg(long, env = "INGRESS_GUARD_SERVICE", value_name = "NAME.NAMESPACE")]
    service: Option<ServiceName>,
    /// Issue the certificate: keep its CA in this Secret, which exists in the namespace of the Service, and add it to the caBundle.
    #[arg(
        long,
        env = "INGRESS_GUARD_CA_SECRET",
        value_name = "NAME",
        requires_all = ["service", "webhook_configuration"],
        conflicts_with_all = ["tls_cert", "manifests"]
    )]
    ca_secret: Option<String>,
    /// The webhook configuration whose caBundle gets the CA.
    #[arg(long, env = "INGRESS_GUARD_WEBHOOK_CONFIGURATION", value_name = "NAME", requires = "ca_secret")]
    webhook_configuration: Option<String>,
}

impl CertificateArguments {
    /// Returns the Service of the webhook.
    pub(super) fn service(&self) -> Option<Key> {
        self.service.as_ref().map(ServiceName::key)
    }

    /// Returns the TLS options of the webhook port, and the manager of a certificate that this process issues.
    pub(super) fn tls(
        self,
        client: Option<&kube::Client>,
        metrics: &Arc<Metrics>,
    ) -> anyhow::Result<(TlsOptions, Option<Manager>)> {
        let dns_name = self.service.as_ref().map(ServiceName::dns_name);
        let mut manager = None;
        let certificate = if let Some(certificate) = self.tls_cert {
            let key = self.tls_key.unwrap_or_else(|| certificate.clone());
            CertificateSource::Files { certificate, key }
        } else {
            let made = SelfSigned::generate(dns_name.as_slice())?;
            let names = (client, self.service, self.ca_secret, self.webhook_configuration);
            if let (Some(client), Some(service), Some(secret), Some(registration)) = names {
                // No API server trusts the self-signed certificate, which is served until one is issued.
                let (certificate, key) = (made.certificate_pem().to_owned(), made.key_pem().to_owned());
                let serving = Arc::new(ArcSwap::from_pointee(Pair { certificate, key }));
                let (lifetimes, clock) = (Lifetimes::default(), Timestamp::now);
                let options = certificates::Options { service, secret, registration, lifetimes, clock };
                manager = Some(Manager::new(client.clone(), options, Arc::clone(&serving), Arc::clone(metrics)));
                CertificateSource::Issued(serving)
            } else {
                // Clients must trust it: pass it to `curl --cacert` or, base64-encoded, to caBundle.
                super::print(made.certificate_pem())?;
                CertificateSource::Memory(made)
            }
        };
        Ok((TlsOptions { certificate, client_ca: self.client_ca, poll: POLL, dns_name }, manager))
    }
}
