//! The step of a redirect: its target, and the annotation that causes it.

use super::request::RequestUrl;
use super::trail::{Explanation, RequestOutcome};
use crate::finding::Quoted;
use crate::model::Host;
use crate::routing::{Answer, Dialect, Location, NginxAnnotations, Received, Redirect, Routes, When, host_name};

/// Adds the step of a redirect.
pub(super) fn redirect<'a>(
    explanation: &mut Explanation,
    request: &RequestUrl,
    routes: &Routes<'a>,
    answer: &Answer<'a>,
    (status, why): (u16, Redirect),
) {
    let asked = request.target();
    let received = Received { scheme: request.scheme, host: &request.host, target: &asked };
    let to = routes.redirect_target(answer, received);
    let target =
        to.as_deref().map_or_else(|| "a target that depends on the request".to_owned(), |to| Quoted(to).to_string());
    let dialect = routes.controller().dialect;
    let reason = reason(dialect, answer, why, &asked, to.as_deref());
    explanation.redirect = to;
    let annotations = answer.location.as_ref().and_then(Location::annotations);
    let is_forced = annotations.is_some_and(|annotations| dialect.forces_https(annotations));
    let host = Host::parse(&host_name(&request.host));
    if why == Redirect::Https && !is_forced && routes.has_certificate(&host, When::After).is_none() {
        let detail = format!("{status} to {target} if the certificate of the server covers this alias: {reason}");
        explanation.unknown("redirect", detail);
        return explanation.ends(RequestOutcome::Unknown, None);
    }
    if why == Redirect::Https && annotations.is_some_and(|annotations| dialect.redirects_unknown(annotations)) {
        let detail = format!("{status} to {target} unless the ConfigMap sets ssl-redirect: false; it is not known");
        explanation.unknown("redirect", detail);
        return explanation.ends(RequestOutcome::Unknown, None);
    }
    explanation.holds("redirect", format!("{status} to {target}: {reason}"));
    explanation.ends(RequestOutcome::Redirect, status);
}

/// Returns the cause of a redirect.
fn reason(dialect: &Dialect, answer: &Answer<'_>, why: Redirect, asked: &str, to: Option<&str>) -> String {
    let annotations = answer.location.as_ref().and_then(Location::annotations);
    match why {
        Redirect::Slash => "adds the trailing slash".to_owned(),
        Redirect::Www => "annotation from-to-www-redirect".to_owned(),
        Redirect::AppRoot => "annotation app-root".to_owned(),
        Redirect::Target => "rewrite-target is a URL".to_owned(),
        Redirect::Annotated => {
            let redirect = annotations.and_then(NginxAnnotations::redirect);
            redirect.map_or_else(String::new, |redirect| format!("annotation {}", redirect.annotation))
        }
        Redirect::Https => {
            let cause = match annotations {
                Some(annotations) if annotations.enables("force-ssl-redirect") => "annotation force-ssl-redirect",
                Some(annotations) if dialect.forces_https(annotations) => "force-ssl-redirect of the ConfigMap",
                Some(annotations) if annotations.asks_for_https() => "annotation ssl-redirect",
                _ => "ssl-redirect, the default of a host with TLS",
            };
            let is_cut = asked.len() > 1 && asked.ends_with('/') && to.is_some_and(|to| !to.ends_with('/'));
            let cut = if is_cut { "; annotation preserve-trailing-slash would keep the last slash" } else { "" };
            format!("{cause}{cut}")
        }
    }
}
