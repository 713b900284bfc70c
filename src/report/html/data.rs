//! The data of the page's script, with short keys and rows instead of objects: a large cluster has tens of thousands of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Page;
use crate::finding::{Level, escaped, is_invisible};
use crate::model::{Backend, Host};
use crate::report::route_map::match_type;
use crate::report::{Entry, Report};
use crate::routing::{CertificateState, HostRoutes, LinkStatus, ResolvedBackend, Route, RouteOutcome};

#[derive(Serialize)]
pub(super) struct Data<'a> {
    findings: Vec<Finding<'a>>,
    /// Code → name.
    checks: BTreeMap<&'a str, &'a str>,
    pub(super) hosts: Vec<HostRow<'a>>,
    #[serde(skip)]
    pub(super) broken: usize,
    #[serde(skip)]
    pub(super) certificates: usize,
}

/// Level, code, namespace, Ingress, field, message, help, place in a file; for a waived or baseline finding also its state and the reason.
#[derive(Serialize)]
struct Finding<'a>(
    u8,
    &'a str,
    Cow<'a, str>,
    Cow<'a, str>,
    Cow<'a, str>,
    Cow<'a, str>,
    Cow<'a, str>,
    String,
    #[serde(skip_serializing_if = "Option::is_none")] Option<(&'static str, Cow<'a, str>)>,
);

#[derive(Serialize)]
pub(super) struct HostRow<'a> {
    /// Host.
    h: String,
    /// Controller.
    c: Cow<'a, str>,
    /// Certificate.
    k: CertificateRow,
    /// Routes.
    r: Vec<RouteRow<'a>>,
}

/// Words, state, remaining time, Secret, end of validity in seconds since 1970.
#[derive(Serialize)]
struct CertificateRow(String, &'static str, String, String, Option<i64>);

/// Path, type of matching, Ingress, Service, outcome, link status, the column of the broken link.
#[derive(Serialize)]
struct RouteRow<'a>(Cow<'a, str>, &'static str, String, String, Cow<'a, str>, u8, u8);

impl<'a> Data<'a> {
    pub(super) fn new(report: &'a Report, page: &Page<'a>) -> Self {
        let hosts: Vec<HostRow<'_>> = page.map.hosts.iter().map(|host| host_row(host, page)).collect();
        let routes = || hosts.iter().flat_map(|host| &host.r);
        Self {
            broken: routes().filter(|route| route.5 == LinkStatus::Broken as u8).count(),
            certificates: hosts.iter().filter(|host| matches!(host.k.1, "soon" | "broken")).count(),
            findings: report.findings.iter().map(finding).collect(),
            checks: report.findings.iter().map(|entry| (entry.code, entry.name)).collect(),
            hosts,
        }
    }

    /// Returns JSON for a `<script>` element. Without `<`, it can neither end the element nor open a comment.
    pub(super) fn to_script(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_else(|_| unreachable!("rows of text serialise to JSON"));
        json.replace('<', "\\u003c")
    }
}

fn finding(entry: &Entry) -> Finding<'_> {
    let level = match entry.level {
        Level::Deny => 2,
        Level::Warn => 1,
        Level::Audit | Level::Off => 0,
    };
    let accepted = if entry.baseline {
        Some(("baseline", Cow::Borrowed("in the baseline")))
    } else {
        entry.waived.as_deref().map(|reason| ("waived", Cow::Owned(format!("waived: {}", visible(reason)))))
    };
    Finding(
        level,
        entry.code,
        visible(&entry.namespace),
        visible(&entry.ingress),
        visible(&entry.field),
        visible(&entry.message),
        visible(&entry.help),
        entry
            .place
            .as_ref()
            .map_or_else(String::new, |place| visible(&format!("{}:{}", place.file, place.line)).into_owned()),
        accepted,
    )
}

fn host_row<'a>(of: &HostRoutes<'a>, page: &Page<'_>) -> HostRow<'a> {
    HostRow {
        h: visible(&of.host.to_string()).into_owned(),
        c: Cow::Owned(visible(of.controller()).into_owned()),
        k: certificate_row(of, page),
        r: of.routes.iter().map(|route| route_row(of, route)).collect(),
    }
}

fn certificate_row(of: &HostRoutes<'_>, page: &Page<'_>) -> CertificateRow {
    let certificate = &of.certificate;
    let ends = match certificate.state {
        CertificateState::Valid(at) | CertificateState::Expired(at) => Some(at),
        _ => None,
    };
    let early = SignedDuration::from_hours(24 * i64::from(page.expiry_warning_days));
    let is_soon = matches!(certificate.state, CertificateState::Valid(at) if at.duration_since(page.made) < early);
    let state = match (certificate.state, certificate.status()) {
        (CertificateState::Plain | CertificateState::Default, _) => "plain",
        _ if is_soon => "soon",
        (_, LinkStatus::Ok) => "holds",
        (_, LinkStatus::Unknown) => "unseen",
        (_, LinkStatus::Broken) => "broken",
    };
    let words = match (of.host == Host::Any, certificate.state) {
        (true, CertificateState::Plain) => "the controller's default certificate".to_owned(),
        (_, state) => state.to_string(),
    };
    let secret = certificate.ingress.zip(certificate.secret).map_or_else(String::new, |(ingress, secret)| {
        format!("{}/{}", visible(&ingress.meta.key.namespace), visible(secret))
    });
    CertificateRow(
        words,
        state,
        ends.map_or_else(String::new, |at| days(page.made, at)),
        secret,
        ends.map(Timestamp::as_second),
    )
}

fn days(now: Timestamp, at: Timestamp) -> String {
    let days = at.duration_since(now).as_hours() / 24;
    let s = if days.abs() == 1 { "" } else { "s" };
    if at >= now { format!("{days} day{s} left") } else { format!("{} day{s} ago", -days) }
}

fn route_row<'a>(of: &HostRoutes<'a>, route: &Route<'a>) -> RouteRow<'a> {
    const PATH: u8 = 0;
    const INGRESS: u8 = 1;
    const SERVICE: u8 = 2;
    const ENDPOINTS: u8 = 3;
    let kind = match_type(route).unwrap_or("default backend");
    let service = match route.backend {
        Backend::Service { name, port: Some(port) } => {
            format!("{}:{}", visible(name), visible(port.to_string().trim_matches('"')))
        }
        Backend::Service { name, port: None } => visible(name).into_owned(),
        Backend::Resource => "resource backend".to_owned(),
    };
    let key = &route.ingress.meta.key;
    let broken = match &route.outcome {
        RouteOutcome::ServedBy(_) => PATH,
        RouteOutcome::Unserved | RouteOutcome::NoMaster | RouteOutcome::Refused(_) | RouteOutcome::NotLoaded(_) => {
            INGRESS
        }
        RouteOutcome::NoLocation | RouteOutcome::CanaryUpstream => SERVICE,
        RouteOutcome::Asked(resolved) | RouteOutcome::Fallback(resolved, _) if breaks_at_service(resolved) => SERVICE,
        RouteOutcome::Asked(_)
        | RouteOutcome::Fallback(..)
        | RouteOutcome::Doubtful(_)
        | RouteOutcome::Redirected(_)
        | RouteOutcome::CanaryOf(_) => ENDPOINTS,
    };
    RouteRow(
        Cow::Owned(visible(route.path()).into_owned()),
        kind,
        format!("{}/{}", visible(&key.namespace), visible(&key.name)),
        service,
        Cow::Owned(visible(&of.detail(route)).into_owned()),
        of.status(route) as u8,
        broken,
    )
}

fn breaks_at_service(resolved: &ResolvedBackend<'_>) -> bool {
    resolved.status() == LinkStatus::Broken && !matches!(resolved, ResolvedBackend::Port { .. })
}

/// Escapes invisible characters.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, is_invisible)
}
