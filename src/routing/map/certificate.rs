//! What HTTPS answers with on a host, and until when.

use std::fmt;

use jiff::Timestamp;

use crate::cluster::{Lookup, World};
use crate::model::{Host, Ingress, Secret, TlsFacts, TlsFault};
use crate::routing::{CertificateOf, Issuer, Owner, Routes, Standing, Taker, When};

/// The certificate of a host.
#[derive(Debug, Clone, Copy)]
pub struct HostCertificate<'a> {
    /// The Ingress that decides, and the name of the Secret in its namespace, where one is named.
    pub from: Option<(&'a Ingress, &'a str)>,
    /// What it is worth.
    pub state: CertificateState,
}

/// What a certificate is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateState {
    /// No Ingress asks for one.
    Plain,
    /// The controller's own.
    Default,
    /// It is for the host until then.
    Valid(Timestamp),
    /// It was for the host until then.
    Expired(Timestamp),
    /// It will be for the host from then on.
    Early(Timestamp),
    /// It is for other hosts.
    Mismatch,
    /// The Secret does not exist.
    Missing,
    /// The Secret holds nothing that can be served.
    Unusable(TlsFault),
    /// Somebody has been asked to issue it.
    Pending,
    /// Nobody can tell.
    Unseen,
}

impl<'a> HostCertificate<'a> {
    pub(super) fn of(host: &Host, routes: &Routes<'a>, taker: &Taker<'_>, world: &World<'a>) -> Self {
        let (ingress, secret) = match routes.certificate(host, world, When::After) {
            CertificateOf::Nobody => return Self { from: None, state: CertificateState::Plain },
            _ if matches!(taker.owner, Owner::Nobody) || !taker.reads_secrets() => {
                return Self { from: None, state: CertificateState::Unseen };
            }
            CertificateOf::Unknown(_) => return Self { from: None, state: CertificateState::Unseen },
            CertificateOf::Ingress { secret: None, .. } => {
                return Self { from: None, state: CertificateState::Default };
            }
            CertificateOf::Ingress { ingress, secret: Some(secret) } => (ingress, secret),
        };
        let state = match world.secret(&ingress.meta.key.namespace, secret) {
            Lookup::Found(Secret { tls, .. }) => worth(tls, host, ingress, secret, world),
            Lookup::Unknown => CertificateState::Unseen,
            Lookup::Absent => pending_or(CertificateState::Missing, ingress, secret, world),
        };
        Self { from: Some((ingress, secret)), state }
    }

    /// Whether visitors get a certificate that their browser takes.
    #[must_use]
    pub fn standing(&self) -> Standing {
        use CertificateState as State;
        match self.state {
            State::Plain | State::Default | State::Valid(_) => Standing::Holds,
            State::Unseen | State::Pending => Standing::Unseen,
            State::Expired(_) | State::Early(_) | State::Mismatch | State::Missing | State::Unusable(_) => {
                Standing::Broken
            }
        }
    }
}

fn worth(tls: &TlsFacts, host: &Host, ingress: &Ingress, secret: &str, world: &World<'_>) -> CertificateState {
    match tls {
        TlsFacts::Unusable(fault @ TlsFault::Empty(_)) => {
            pending_or(CertificateState::Unusable(*fault), ingress, secret, world)
        }
        TlsFacts::Unusable(fault) => CertificateState::Unusable(*fault),
        TlsFacts::Pair { certificate, .. } if !certificate.covers(host) => CertificateState::Mismatch,
        TlsFacts::Pair { certificate, .. } if world.now() > certificate.not_after => {
            CertificateState::Expired(certificate.not_after)
        }
        TlsFacts::Pair { certificate, .. } if world.now() < certificate.not_before => {
            CertificateState::Early(certificate.not_before)
        }
        TlsFacts::Pair { certificate, .. } => CertificateState::Valid(certificate.not_after),
    }
}

fn pending_or(fault: CertificateState, ingress: &Ingress, secret: &str, world: &World<'_>) -> CertificateState {
    match Issuer::of(ingress, world, secret) {
        Issuer::Nobody => fault,
        Issuer::Somebody => CertificateState::Pending,
        Issuer::Unknown => CertificateState::Unseen,
    }
}

impl fmt::Display for CertificateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("no TLS"),
            Self::Default => f.write_str("the controller's default certificate"),
            Self::Valid(until) => write!(f, "valid until {}", until.strftime("%F")),
            Self::Expired(at) => write!(f, "expired on {}", at.strftime("%F")),
            Self::Early(from) => write!(f, "not valid before {}", from.strftime("%F")),
            Self::Mismatch => f.write_str("is for other hosts"),
            Self::Missing => f.write_str("the Secret does not exist"),
            Self::Unusable(fault) => write!(f, "the Secret {fault}"),
            Self::Pending => f.write_str("is being issued"),
            Self::Unseen => f.write_str("not known"),
        }
    }
}
