//! IG4xx: TLS Secrets, certificates and their hosts.

mod certificate_chain_invalid;
mod certificate_without_san;
mod covered;
mod issuer_without_secret_name;
mod passthrough_ineffective;
mod tls_certificate_expired;
mod tls_certificate_expiring;
mod tls_certificate_host_mismatch;
mod tls_host_owned_elsewhere;
mod tls_host_unrouted;
mod tls_on_hostless_rule;
mod tls_required;
mod tls_rule_host_uncovered;
mod tls_secret_not_found;
mod tls_secret_shared;
mod tls_secret_unusable;
mod tls_secret_wrong_type;

pub(super) use certificate_chain_invalid::CERTIFICATE_CHAIN_INVALID;
pub(super) use certificate_without_san::CERTIFICATE_WITHOUT_SAN;
pub(super) use issuer_without_secret_name::ISSUER_WITHOUT_SECRET_NAME;
pub(super) use passthrough_ineffective::PASSTHROUGH_INEFFECTIVE;
pub(super) use tls_certificate_expired::TLS_CERTIFICATE_EXPIRED;
pub(super) use tls_certificate_expiring::TLS_CERTIFICATE_EXPIRING;
pub(super) use tls_certificate_host_mismatch::TLS_CERTIFICATE_HOST_MISMATCH;
pub(super) use tls_host_owned_elsewhere::TLS_HOST_OWNED_ELSEWHERE;
pub(super) use tls_host_unrouted::TLS_HOST_UNROUTED;
pub(super) use tls_on_hostless_rule::TLS_ON_HOSTLESS_RULE;
pub(super) use tls_required::TLS_REQUIRED;
pub(super) use tls_rule_host_uncovered::TLS_RULE_HOST_UNCOVERED;
pub(super) use tls_secret_not_found::TLS_SECRET_NOT_FOUND;
pub(super) use tls_secret_shared::TLS_SECRET_SHARED;
pub(super) use tls_secret_unusable::TLS_SECRET_UNUSABLE;
pub(super) use tls_secret_wrong_type::TLS_SECRET_WRONG_TYPE;

use covered::{Covered, certificate};

use std::cell::LazyCell;

use foldhash::{HashSet, HashSetExt as _};

use super::findings::AUDIT;
use super::{Context, effects};
use crate::cluster::Lookup;
use crate::finding::Finding;
use crate::model::{FieldPath, Host, Ingress, Kind, Secret, TlsEntry};
use crate::routing::{ControllerFamily, Issuer, TlsEntries, When};

/// A Secret that TLS connections depend on.
struct Used<'a> {
    /// The first entry that names it.
    entry: usize,
    name: &'a str,
    secret: Lookup<&'a Secret>,
    /// Another Ingress may set the certificate of its hosts: on ingress-nginx the oldest one does (section 5.2).
    may_be_decided_elsewhere: bool,
}

/// Returns the Ingress that sets the certificate of a host on ingress-nginx: the oldest one with `spec.tls` (section 5.2). Reads
/// Ingresses and IngressClasses.
fn decides<'a>(cx: &Context<'a>, host: &Host) -> Option<&'a Ingress> {
    let claims = cx.claims(host, When::After).found()?;
    let mut main = claims.iter().filter(|claim| !claim.is_canary).map(|claim| claim.ingress);
    main.find(|ingress| !ingress.tls.is_empty())
}

/// Whether an older Ingress certainly sets the certificate of a host, from another Secret. IG409 reports that.
fn is_decided_elsewhere(cx: &Context<'_>, host: &Host) -> bool {
    let is_nginx = cx.dialect().family == ControllerFamily::Nginx && *host != Host::Any;
    let Some(elder) = is_nginx.then(|| decides(cx, host)).flatten() else { return false };
    // Without ages, as in files, the controller's order is not known yet.
    let is_ordered = cx.ingress.meta.created.is_some() || elder.meta.created.is_some();
    let own = secret_of(cx.ingress, host);
    elder.meta.key != cx.ingress.meta.key && is_ordered && !is_the_same(cx, elder, host, own)
}

/// Returns whether another Ingress names the same Secret for the host.
fn is_the_same(cx: &Context<'_>, elder: &Ingress, host: &Host, secret: Option<&str>) -> bool {
    *elder.meta.key.namespace == *cx.namespace() && secret_of(elder, host) == secret
}

fn secret_of<'i>(ingress: &'i Ingress, host: &Host) -> Option<&'i str> {
    TlsEntries::of(&ingress.tls).meant_for(host).and_then(|meant| meant.entry.secret_name.as_deref())
}

/// Returns the distinct Secrets of the TLS entries that the controller uses; none if it does not read Secrets.
fn secrets<'a>(cx: &Context<'a>) -> Vec<Used<'a>> {
    if cx.ingress.tls.is_empty() {
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let rules = cx.routes().own_hosts();
    let wildcards = LazyCell::new(|| rules.iter().filter_map(|host| host.wildcard()).collect::<HashSet<Host>>());
    let is_nginx = cx.dialect().family == ControllerFamily::Nginx;
    // An unknown controller may be ingress-nginx, and a guess is not reported.
    let may_be_nginx = is_nginx || cx.is_unowned();
    // Section 5.2: TLS is ignored for rules without a host; section 5.5: an entry for a host without a rule has no effect.
    let is_used = |entry: &TlsEntry| {
        let for_rule =
            |host: &Host| (rules.contains(host) && !is_decided_elsewhere(cx, host)) || wildcards.contains(host);
        let any_host = || rules.iter().any(|host| **host != Host::Any && !is_decided_elsewhere(cx, host));
        !may_be_nginx || (entry.hosts.is_empty() && any_host()) || entry.hosts.iter().any(for_rule)
    };
    let entries = if cx.controller.reads_secrets() { &cx.ingress.tls[..] } else { &[] };
    let named = entries.iter().enumerate().filter(|(_, entry)| is_used(entry));
    let named = named.filter_map(|(index, entry)| entry.secret_name.as_deref().map(|name| (index, entry, name)));
    let elsewhere = |host: &Host| !cx.view.other_on(host, |other| !other.tls.is_empty()).is_absent();
    // An entry without hosts applies to the hosts of the rules.
    let rules_elsewhere = LazyCell::new(|| rules.iter().any(|host| elsewhere(host)));
    let mut used = Vec::new();
    for (index, entry, name) in named.filter(|(.., name)| seen.insert(*name)) {
        let is_elsewhere = || if entry.hosts.is_empty() { *rules_elsewhere } else { entry.hosts.iter().any(elsewhere) };
        used.push(Used {
            entry: index,
            name,
            secret: cx.view.secret(cx.namespace(), name),
            may_be_decided_elsewhere: is_nginx && is_elsewhere(),
        });
    }
    used
}

fn secret_field(entry: usize) -> FieldPath {
    FieldPath::spec().field("tls").index(entry).field("secretName")
}

/// Limits a finding to audit if an issuer may still fill the Secret. Without an issuer, the finding depends on that.
fn limit_while_pending(finding: &mut Finding, issuer: Issuer) {
    match issuer {
        Issuer::Known | Issuer::Unknown => finding.at_most(AUDIT),
        Issuer::None => finding.rests_on_index_of(Kind::Certificate, "secret names"),
    };
}

/// Returns the effect of a certificate that cannot be served. ingress-nginx then still redirects HTTP (308) to HTTPS with
/// the default certificate (section 5.5).
fn without_certificate(cx: &Context<'_>) -> String {
    let consequence = effects::without_certificate(cx.dialect());
    if cx.dialect().family == ControllerFamily::Nginx && cx.dialect().redirects_to_https(cx.nginx()) {
        format!("{consequence}, HTTP redirects to HTTPS")
    } else {
        consequence.to_owned()
    }
}
