//! The certificate that a controller serves for a host: the Ingress and Secret that decide, and whether it is valid.
//! Sections 5.1 to 5.4.

mod entries;
mod issuer;

pub use entries::{MeantFor, TlsEntries};
pub use issuer::Issuer;

use std::fmt;

use jiff::Timestamp;

use crate::cluster::{ClusterView, Lookup};
use crate::model::{Certificate, Host, Ingress, Secret, TlsEntry, TlsFacts, TlsFault};
use crate::routing::backend::LinkStatus;
use crate::routing::controller::ControllerFamily;
use crate::routing::controller::{Controller, ControllerId};
use crate::routing::routes::{Routes, When};

/// The certificate of a host.
#[derive(Debug, Clone, Copy)]
pub struct HostCertificate<'a> {
    /// The Ingress that decides, if any has `spec.tls`.
    pub ingress: Option<&'a Ingress>,
    /// The name of the Secret in its namespace, if it references one.
    pub secret: Option<&'a str>,
    /// The state of the certificate.
    pub state: CertificateState,
}

/// The state of a host's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateState {
    /// No Ingress of the host has `spec.tls`.
    Plain,
    /// The controller's default certificate, which may cover the host.
    Default,
    /// The controller's self-signed default certificate, which covers no host: no TLS entry covers this one.
    Uncovered,
    /// It covers the host and is valid until then.
    Valid(Timestamp),
    /// It covers the host and expired then.
    Expired(Timestamp),
    /// It covers the host and is not valid before then.
    Early(Timestamp),
    /// It covers the host, and its issuer in `tls.crt` expired then.
    IssuerExpired(Timestamp),
    /// It covers the host by its common name only, which browsers ignore.
    CommonNameOnly,
    /// It covers the host by its common name only, which ingress-nginx ignores because `spec.tls` does not name the host.
    CommonNameIgnored,
    /// It does not cover the host.
    Mismatch,
    /// The Secret does not exist.
    Missing,
    /// The Secret has no usable certificate.
    Unusable(TlsFault),
    /// The Secret has a `ca.crt` that cannot be parsed: ingress-nginx rejects its certificate too.
    BadCa,
    /// Issuance is pending (cert-manager).
    Pending,
    /// Unknown.
    Unseen,
}

/// The certificate that an Ingress selects for a host.
enum Choice<'a> {
    Secret(&'a str),
    /// The default certificate: the entry references no Secret.
    Default,
    /// None: no entry covers the host.
    Nothing,
    /// Unknown: it depends on a Secret that cannot be read.
    Unseen,
}

impl<'a> HostCertificate<'a> {
    /// Returns the certificate that the controller of `routes` serves for a host. Reads Certificates, Ingresses,
    /// IngressClasses and Secrets.
    #[must_use]
    pub fn of(host: &Host, routes: &Routes<'a>, view: &ClusterView<'a>) -> Self {
        let controller = routes.controller();
        let deciding = match controller.dialect.family {
            ControllerFamily::Nginx => on_nginx(host, routes),
            ControllerFamily::Traefik | ControllerFamily::Neutral => elsewhere(host, routes, view),
        };
        let Some((ingress, served)) = deciding else {
            return Self { ingress: None, secret: None, state: CertificateState::Plain };
        };
        let of = |secret, state| Self { ingress: Some(ingress), secret, state };
        if controller.id == ControllerId::None || !controller.reads_secrets() {
            return of(None, CertificateState::Unseen);
        }
        // Whether a configured default certificate covers the host is unknown, as is that of other controllers.
        let has_fake = controller.dialect.family == ControllerFamily::Nginx && !controller.dialect.default_certificate;
        let secret = match choice(ingress, &served, controller, view) {
            Choice::Secret(secret) => secret,
            Choice::Nothing if has_fake => return of(None, CertificateState::Uncovered),
            Choice::Nothing | Choice::Default => return of(None, CertificateState::Default),
            Choice::Unseen => return of(None, CertificateState::Unseen),
        };
        let state = match view.secret(&ingress.meta.key.namespace, secret) {
            Lookup::Found(found) => match held(found, controller) {
                Ok(certificate) if !certificate.covers(host) || !certificate.covers(&served) => {
                    CertificateState::Mismatch
                }
                Ok(certificate) if !counts(certificate, ingress, &served, controller) => {
                    CertificateState::CommonNameIgnored
                }
                Ok(certificate) => in_time(certificate, view),
                Err(fault @ CertificateState::Unusable(TlsFault::Empty(_))) => pending_or(fault, ingress, secret, view),
                Err(fault) => fault,
            },
            Lookup::Absent => pending_or(CertificateState::Missing, ingress, secret, view),
            Lookup::Unknown => CertificateState::Unseen,
        };
        of(Some(secret), state)
    }

    /// Returns whether clients get a certificate that is valid for the host.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        use CertificateState as State;
        match self.state {
            State::Plain | State::Valid(_) => LinkStatus::Ok,
            State::Default | State::Unseen | State::Pending => LinkStatus::Unknown,
            State::Uncovered
            | State::Expired(_)
            | State::Early(_)
            | State::IssuerExpired(_)
            | State::CommonNameOnly
            | State::CommonNameIgnored
            | State::Mismatch
            | State::Missing
            | State::Unusable(_)
            | State::BadCa => LinkStatus::Broken,
        }
    }
}

impl Routes<'_> {
    /// Returns whether ingress-nginx has a certificate for a name, the default one included: HTTP redirects to HTTPS then. The
    /// table of certificates has hosts, aliases as they are written, and wildcards for one label (sections 5.4 and 5.5). `None`:
    /// unknown. Reads Ingresses, IngressClasses and Secrets.
    #[must_use]
    pub fn has_certificate(&self, host: &Host, when: When) -> Option<bool> {
        let mut has = Some(false);
        for name in [Some(host.clone()), host.wildcard()].into_iter().flatten() {
            if self.asks_for_tls(&name, when).is_some() {
                return Some(true);
            }
            let Some(server) = self.aliased(&name, when).found() else { continue };
            let Some(ingress) = self.asks_for_tls(&server.host, when) else { continue };
            match is_for_alias(ingress, &server.host, &name, self) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => has = None,
            }
        }
        has
    }
}

/// Returns whether the certificate of a host covers an alias too, which has none otherwise; `None`: unknown.
fn is_for_alias(ingress: &Ingress, host: &Host, alias: &Host, routes: &Routes<'_>) -> Option<bool> {
    let (controller, view) = (routes.controller(), routes.view());
    match choice(ingress, host, controller, view) {
        Choice::Secret(secret) => {
            let is_used = is_found_for(ingress, secret, host, controller, view)?;
            if is_used { is_for(ingress, secret, alias, controller, view) } else { Some(false) }
        }
        Choice::Default if controller.dialect.default_certificate => None,
        Choice::Default | Choice::Nothing => Some(false),
        Choice::Unseen => None,
    }
}

/// Returns the Ingress that decides on ingress-nginx, with the host for which it decides. ingress-nginx looks a certificate
/// up by the exact name, then by the wildcard that covers it; each may be a rule's host or an alias (section 5.4). An alias
/// has the certificate of its host only if that covers the alias too, and so has the name that `from-to-www-redirect` redirects.
fn on_nginx<'a>(host: &Host, routes: &Routes<'a>) -> Option<(&'a Ingress, Host)> {
    let mut other = None;
    for name in [Some(host.clone()), host.wildcard()].into_iter().flatten() {
        if let Some(ingress) = routes.asks_for_tls(&name, When::After) {
            return Some((ingress, name));
        }
        let aliased = routes.aliased(&name, When::After).found();
        let redirected = || routes.www_twin(&name.to_string(), When::After).filter(|_| name == *host);
        let Some(server) = aliased.or_else(redirected) else { continue };
        let Some(ingress) = routes.asks_for_tls(&server.host, When::After) else { continue };
        let deciding = Some((ingress, server.host.clone()));
        if is_for_alias(ingress, &server.host, &name, routes) != Some(false) {
            return deciding;
        }
        other = other.or(deciding);
    }
    other
}

/// Returns the Ingress that decides on other controllers, which select a certificate by SNI among all of theirs: the oldest
/// with a certificate that covers the host, else one with an unknown certificate, else the oldest.
fn elsewhere<'a>(host: &Host, routes: &Routes<'a>, view: &ClusterView<'a>) -> Option<(&'a Ingress, Host)> {
    if *host == Host::Any {
        return None;
    }
    let on = |name: Host| {
        let claims = routes.claims(&name, When::After).found();
        let ingresses: Vec<&'a Ingress> = claims.iter().flat_map(|claims| claims.iter()).map(|it| it.ingress).collect();
        ingresses.into_iter().filter(move |it| {
            !it.tls.is_empty() && (name != Host::Any || TlsEntries::of(&it.tls).meant_for(host).is_some())
        })
    };
    let names = [Some(host.clone()), host.wildcard(), Some(Host::Any)].into_iter().flatten();
    let asking: Vec<&'a Ingress> = names.flat_map(on).collect();
    let rank = |ingress: &&&'a Ingress| match choice(ingress, host, routes.controller(), view) {
        Choice::Secret(secret) if is_for(ingress, secret, host, routes.controller(), view) == Some(true) => 0,
        Choice::Unseen => 1,
        Choice::Secret(_) | Choice::Default | Choice::Nothing => 2,
    };
    // The first one of equal rank.
    asking.iter().min_by_key(rank).map(|ingress| (*ingress, host.clone()))
}

/// Returns the Secret that an Ingress selects for a host (section 5.1). On ingress-nginx it is that of the entry that names
/// the host. Otherwise it is the first one whose certificate covers the host, else that of the entry that covers the host.
fn choice<'a>(ingress: &'a Ingress, host: &Host, controller: &Controller<'_>, view: &ClusterView<'a>) -> Choice<'a> {
    let named = |entry: &'a TlsEntry| entry.secret_name.as_deref().map_or(Choice::Default, Choice::Secret);
    let meant = TlsEntries::of(&ingress.tls).meant_for(host);
    if let Some(meant) = meant.filter(|meant| meant.by_name && controller.dialect.family == ControllerFamily::Nginx) {
        return named(meant.entry);
    }
    let meant = meant.map(|meant| meant.entry);
    for name in meant.into_iter().chain(&ingress.tls).filter_map(|entry| entry.secret_name.as_deref()) {
        match is_found_for(ingress, name, host, controller, view) {
            Some(true) => return Choice::Secret(name),
            Some(false) => {}
            None => return Choice::Unseen,
        }
    }
    // An entry without hosts applies to all of them.
    let meant = meant.or_else(|| ingress.tls.iter().find(|entry| entry.hosts.is_empty()));
    meant.map_or(Choice::Nothing, named)
}

/// Returns whether a controller that scans the Secrets of an Ingress takes one for a host; `None`: unknown. ingress-nginx looks
/// at SANs only then (section 5.2).
fn is_found_for(
    ingress: &Ingress,
    secret: &str,
    host: &Host,
    controller: &Controller<'_>,
    view: &ClusterView<'_>,
) -> Option<bool> {
    let counts = |certificate: &Certificate| counts(certificate, ingress, host, controller);
    held_in(ingress, secret, controller, view, |certificate| certificate.covers(host) && counts(certificate))
}

/// Returns whether ingress-nginx considers the names of a certificate for a host: a common name only where `spec.tls` names the
/// host (section 5.2).
fn counts(certificate: &Certificate, ingress: &Ingress, host: &Host, controller: &Controller<'_>) -> bool {
    !certificate.by_common_name
        || controller.dialect.family != ControllerFamily::Nginx
        || TlsEntries::of(&ingress.tls).meant_for(host).is_some_and(|meant| meant.by_name)
}

/// Returns whether a Secret of an Ingress' namespace has a certificate that covers a host; `None`: unknown.
fn is_for(
    ingress: &Ingress,
    secret: &str,
    host: &Host,
    controller: &Controller<'_>,
    view: &ClusterView<'_>,
) -> Option<bool> {
    held_in(ingress, secret, controller, view, |certificate| certificate.covers(host))
}

/// Returns whether a Secret of an Ingress' namespace has a certificate that satisfies a condition; `None`: unknown.
fn held_in(
    ingress: &Ingress,
    secret: &str,
    controller: &Controller<'_>,
    view: &ClusterView<'_>,
    is_so: impl Fn(&Certificate) -> bool,
) -> Option<bool> {
    match view.secret(&ingress.meta.key.namespace, secret) {
        Lookup::Found(secret) => Some(held(secret, controller).is_ok_and(is_so)),
        Lookup::Absent => Some(false),
        Lookup::Unknown => None,
    }
}

/// Returns the certificate that a controller reads from a Secret (section 5.2).
fn held<'s>(secret: &'s Secret, controller: &Controller<'_>) -> Result<&'s Certificate, CertificateState> {
    match &secret.tls {
        TlsFacts::Unusable(fault) => Err(CertificateState::Unusable(*fault)),
        TlsFacts::Pair { ca_readable: false, .. } if controller.dialect.family == ControllerFamily::Nginx => {
            Err(CertificateState::BadCa)
        }
        TlsFacts::Pair { certificate, .. } => Ok(certificate),
    }
}

fn in_time(certificate: &Certificate, view: &ClusterView<'_>) -> CertificateState {
    match view.now() {
        now if now > certificate.not_after => CertificateState::Expired(certificate.not_after),
        now if now < certificate.not_before => CertificateState::Early(certificate.not_before),
        _ if certificate.by_common_name => CertificateState::CommonNameOnly,
        now if let Some(end) = certificate.issuer_not_after.filter(|end| now > *end) => {
            CertificateState::IssuerExpired(end)
        }
        _ => CertificateState::Valid(certificate.not_after),
    }
}

fn pending_or(fault: CertificateState, ingress: &Ingress, secret: &str, view: &ClusterView<'_>) -> CertificateState {
    match Issuer::of(ingress, view, secret) {
        Issuer::None => fault,
        Issuer::Known => CertificateState::Pending,
        Issuer::Unknown => CertificateState::Unseen,
    }
}

impl fmt::Display for CertificateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("no TLS"),
            Self::Default => f.write_str("the controller's default certificate"),
            Self::Uncovered => f.write_str("no spec.tls entry for the host"),
            Self::Valid(until) => write!(f, "valid until {}", until.strftime("%F")),
            Self::Expired(at) => write!(f, "expired on {}", at.strftime("%F")),
            Self::Early(from) => write!(f, "not valid before {}", from.strftime("%F")),
            Self::IssuerExpired(at) => write!(f, "has an issuer in tls.crt that expired on {}", at.strftime("%F")),
            Self::CommonNameOnly => f.write_str("has a common name, but no subject alternative name"),
            Self::CommonNameIgnored => f.write_str("has a common name only, and spec.tls does not name the host"),
            Self::Mismatch => f.write_str("not valid for the host"),
            Self::Missing => f.write_str("the Secret does not exist"),
            Self::Unusable(fault) => write!(f, "the Secret {fault}"),
            Self::BadCa => f.write_str("the ca.crt of the Secret cannot be read"),
            Self::Pending => f.write_str("issuance is pending"),
            Self::Unseen => f.write_str("unknown"),
        }
    }
}
