//! Compares answers with predictions.

use std::collections::HashSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::default_backend::{DefaultBackends, Likeness, is_page_of_nginx, is_page_of_other_nginx};
use super::expectation::{Expected, Protection};
use super::observation::{CUT, NoAnswer, Observation, Response};
use super::plan::Planned;
use super::result::{ProbeResult, ResultKind};
use crate::model::Host;
use crate::routing::host_name;

/// The causes of a controller that does not know what the cluster defines.
const BEHIND: &str = "the controller has not loaded it: it is behind, it does not watch the class or the namespace, or nginx \
    does not reload; see its log";

/// Compares each observation with the prediction for its request. `is_inside`: a time-out may be due to the network, because the
/// requests come from inside the cluster.
#[must_use]
pub fn judge(
    requests: &[Planned],
    observations: &[Observation],
    backends: &DefaultBackends,
    now: Timestamp,
    is_inside: bool,
) -> Vec<ProbeResult> {
    let likeness = |planned: &Planned, observation: &Observation| match &observation.answer {
        Ok(response) => backends.likeness(planned.request.scheme, observation.address, response),
        Err(_) => Likeness::Other,
    };
    let pairs = || requests.iter().zip(observations);
    // A location that has answered any request otherwise exists. Its other 404 are those of the application.
    let existing = pairs().filter(|(planned, seen)| seen.answer.is_ok() && likeness(planned, seen) == Likeness::Other);
    let existing: HashSet<&(String, String)> =
        existing.filter_map(|(planned, _)| planned.expectation.location.as_ref()).collect();
    let judged = pairs().map(|(planned, seen)| {
        let exists = planned.expectation.location.as_ref().is_some_and(|location| existing.contains(location));
        let (kind, detail) = match &seen.answer {
            Ok(response) => {
                let likeness = match likeness(planned, seen) {
                    Likeness::Alike if exists => Likeness::Other,
                    likeness => likeness,
                };
                answered(planned, response, likeness)
            }
            Err(NoAnswer::NotSent(reason)) => (ResultKind::Unknown, format!("not requested: {reason}")),
            Err(failure @ NoAnswer::TimedOut(_)) if is_inside => {
                (ResultKind::Unknown, format!("{failure}: the load balancer may not be reachable from inside"))
            }
            Err(failure) => (ResultKind::NoAnswer, failure.to_string()),
        };
        with_certificate(planned, seen, now, (kind, detail))
    });
    judged.collect()
}

/// Adds what the certificate shows to the result of the answer, which counts first.
fn with_certificate(
    planned: &Planned,
    seen: &Observation,
    now: Timestamp,
    (kind, mut detail): (ResultKind, String),
) -> ProbeResult {
    let mut result = kind;
    let expectation = &planned.expectation;
    let host = Host::parse(&host_name(&planned.request.host));
    let certificate = seen.certificate.as_ref().filter(|_| planned.host != Host::Any);
    if let Some(certificate) = certificate {
        let problem = certificate.problem(&host, now);
        let found = match problem {
            _ if certificate.is_fake => {
                Some((ResultKind::FakeCertificate, "the controller's self-signed default certificate".to_owned()))
            }
            Some(problem) => Some((ResultKind::WrongCertificate, format!("the certificate {problem}"))),
            None => None,
        };
        let own = expectation.secret.as_ref().and_then(|(name, facts)| Some((name, facts.as_ref()?)));
        match (found, own) {
            (Some((found, what)), _) => {
                detail = format!("{what}; {detail}");
                if !result.is_broken() {
                    result = found;
                }
            }
            (None, Some((name, facts)))
                if certificate.facts.as_ref().is_some_and(|seen| {
                    (seen.not_before, seen.not_after, &seen.names) != (facts.not_before, facts.not_after, &facts.names)
                }) =>
            {
                let _ = write!(detail, "; another certificate than that of Secret {name}");
            }
            (None, _) => {}
        }
    }
    let broken = match result {
        ResultKind::FakeCertificate | ResultKind::WrongCertificate => expectation.certificate.clone(),
        ResultKind::AsPredicted => None,
        _ => expectation.broken.clone(),
    };
    let response = seen.answer.as_ref().ok();
    ProbeResult {
        result,
        url: planned.request.url(),
        host: planned.host.to_string(),
        ingress: planned.ingress.to_string(),
        field: planned.field.clone(),
        controller: planned.controller.clone(),
        address: seen.address.map(|address| address.to_string()),
        status: response.map(|response| response.status),
        location: response.and_then(|response| response.location.clone()),
        certificate: seen.certificate.clone(),
        detail,
        predicted: expectation.words.clone(),
        broken,
    }
}

/// Compares a response with the prediction.
fn answered(planned: &Planned, response: &Response, likeness: Likeness) -> (ResultKind, String) {
    let status = response.status;
    let is_default = matches!(likeness, Likeness::Same | Likeness::Alike);
    let seen = match (&response.location, is_default) {
        (Some(to), _) if response.is_redirect() => format!("{status} to {to}"),
        (_, true) => format!("{status} of the default backend"),
        _ if is_error_of_controller(response) => format!("{status} of nginx"),
        _ => status.to_string(),
    };
    let words = &planned.expectation.words;
    let disagrees = || (ResultKind::ControllerDisagrees, format!("{seen}, and {words}: {BEHIND}"));
    let other = || (ResultKind::OtherAnswer, format!("{seen}; predicted: {words}"));
    let as_predicted = || (ResultKind::AsPredicted, seen.clone());
    match &planned.expectation.answer {
        Expected::Backend(_) | Expected::Redirect(_) if is_default => disagrees(),
        Expected::Backend(_) | Expected::Redirect(_) | Expected::Unknown if likeness == Likeness::Possible => {
            (ResultKind::Unknown, format!("{seen}: that of the default backend or of the application"))
        }
        Expected::Previous | Expected::Unknown if likeness == Likeness::Same => (ResultKind::DefaultBackend, seen),
        _ if is_error_of_controller(response) => (ResultKind::ControllerError, seen),
        Expected::Backend(Protection::Password) if (200..300).contains(&status) => {
            (ResultKind::Unprotected, format!("{seen} without a password, which annotation auth-type requires"))
        }
        Expected::Backend(_) => as_predicted(),
        Expected::Redirect(target) => match (&response.location, target) {
            (Some(to), Some(_)) if response.is_redirect() && to.ends_with(CUT) => {
                (ResultKind::Unknown, format!("{seen}: the target is too long to compare"))
            }
            (Some(to), Some(target)) if response.is_redirect() && !is_same_target(to, target) => {
                (ResultKind::OtherRedirect, format!("{seen}, not to {target}"))
            }
            (Some(_), _) if response.is_redirect() => as_predicted(),
            _ => other(),
        },
        Expected::Status(of) if *of == status => (ResultKind::ControllerError, seen),
        Expected::Error if status >= 500 => (ResultKind::ControllerError, seen),
        // Its nginx refuses a path that a rewrite has left without a slash.
        Expected::DefaultBackend if is_default || status == 404 || is_page_of_controller(response) => {
            (ResultKind::DefaultBackend, seen)
        }
        Expected::Status(_) | Expected::Error if is_default => (ResultKind::DefaultBackend, seen),
        Expected::Status(_) | Expected::Error | Expected::DefaultBackend => other(),
        Expected::Previous | Expected::Unknown => (ResultKind::Unknown, format!("{seen}; {words}")),
    }
}

/// Returns whether the controller itself answers with an error of a server.
fn is_error_of_controller(response: &Response) -> bool {
    response.status >= 500 && is_page_of_controller(response)
}

/// Returns whether the page is that of an nginx that does not name its version, as ingress-nginx is.
fn is_page_of_controller(response: &Response) -> bool {
    response.body.as_deref().is_some_and(|body| is_page_of_nginx(body) && !is_page_of_other_nginx(body))
}

/// Returns whether two targets of a redirect are the same: what a pattern captures may be encoded in several ways.
fn is_same_target(one: &str, other: &str) -> bool {
    percent_decode_str(one).eq(percent_decode_str(other))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use super::*;
    use crate::explain::RequestUrl;
    use crate::model::Key;
    use crate::probe::{Expectation, SeenCertificate};
    use crate::routing::Scheme;

    const PAGE_503: &str = "<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
    const PAGE_404: &str = "<h1>404</h1>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

    fn planned(answer: Expected, location: Option<&str>) -> Planned {
        Planned {
            request: RequestUrl {
                scheme: Scheme::Http,
                host: "app.example.com".to_owned(),
                path: "/".to_owned(),
                query: None,
                notes: Vec::new(),
            },
            host: Host::parse("app.example.com"),
            ingress: Key::new("shop", "web"),
            class: None,
            field: "spec.rules[0].http.paths[0]".to_owned(),
            controller: "k8s.io/ingress-nginx".to_owned(),
            expectation: Expectation {
                answer,
                words: "Service shop/web answers".to_owned(),
                broken: None,
                certificate: None,
                secret: None,
                location: location.map(|field| ("shop/web".to_owned(), field.to_owned())),
            },
            addresses: Vec::new(),
            published: Err(String::new()),
            has_proxy_protocol: false,
        }
    }

    fn address() -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], 80))
    }

    fn seen(status: u16, location: Option<&str>, body: Option<&str>) -> Observation {
        let response = Response {
            status,
            location: location.map(str::to_owned),
            body: body.map(|body| body.as_bytes().to_vec()),
            ..Response::default()
        };
        Observation { address: Some(address()), certificate: None, answer: Ok(response) }
    }

    fn kind(expected: Expected, observation: &Observation, backends: &DefaultBackends) -> ResultKind {
        let judged = judge(
            &[planned(expected, None)],
            std::slice::from_ref(observation),
            backends,
            Timestamp::UNIX_EPOCH,
            false,
        );
        judged[0].result
    }

    fn observed_backend(body: &str) -> DefaultBackends {
        let mut backends = DefaultBackends::default();
        backends.add(Scheme::Http, &seen(404, None, Some(body)));
        backends
    }

    #[test]
    fn every_answer_has_a_result_for_every_prediction() {
        use ResultKind as K;
        let image = Some("default backend - 404");
        let backend = || Expected::Backend(Protection::None);
        let password = || Expected::Backend(Protection::Password);
        let redirect = || Expected::Redirect(Some("https://app.example.com/a b".to_owned()));
        for (expected, status, to, body, wanted) in [
            (backend(), 200, None, None, K::AsPredicted),
            (backend(), 302, Some("/login"), None, K::AsPredicted),
            (backend(), 404, None, Some("not here"), K::AsPredicted),
            (backend(), 404, None, image, K::ControllerDisagrees),
            (backend(), 404, None, Some(PAGE_404), K::Unknown),
            (backend(), 404, None, Some("<hr><center>nginx/1.27.0</center>"), K::AsPredicted),
            (backend(), 503, None, Some(PAGE_503), K::ControllerError),
            (backend(), 503, None, Some("maintenance"), K::AsPredicted),
            (backend(), 500, None, None, K::AsPredicted),
            (password(), 401, None, None, K::AsPredicted),
            (password(), 204, None, None, K::Unprotected),
            (password(), 404, None, image, K::ControllerDisagrees),
            (redirect(), 308, Some("https://app.example.com/a%20b"), None, K::AsPredicted),
            (redirect(), 302, Some("https://other.example.com/"), None, K::OtherRedirect),
            (redirect(), 308, Some("https://app.example.com/lo…"), None, K::Unknown),
            (redirect(), 200, None, None, K::OtherAnswer),
            (redirect(), 308, None, None, K::OtherAnswer),
            (redirect(), 404, None, image, K::ControllerDisagrees),
            (Expected::Redirect(None), 302, Some("https://a/"), None, K::AsPredicted),
            (Expected::Status(503), 503, None, Some("any page"), K::ControllerError),
            (Expected::Status(503), 404, None, image, K::DefaultBackend),
            (Expected::Status(503), 200, None, None, K::OtherAnswer),
            (Expected::Status(403), 403, None, None, K::ControllerError),
            (Expected::Error, 504, None, None, K::ControllerError),
            (Expected::DefaultBackend, 404, None, Some("own page"), K::DefaultBackend),
            (Expected::DefaultBackend, 200, None, None, K::OtherAnswer),
            (Expected::Previous, 200, None, None, K::Unknown),
            (Expected::Previous, 404, None, image, K::DefaultBackend),
            (Expected::Unknown, 200, None, None, K::Unknown),
            (Expected::Unknown, 404, None, Some(PAGE_404), K::Unknown),
            (Expected::Unknown, 404, None, image, K::DefaultBackend),
            (Expected::Unknown, 503, None, Some(PAGE_503), K::ControllerError),
        ] {
            let observation = seen(status, to, body);
            let found = kind(expected.clone(), &observation, &DefaultBackends::default());
            assert_eq!(found, wanted, "{expected:?} {status} {to:?} {body:?}");
        }
    }

    #[test]
    fn the_observed_default_backend_decides() {
        use ResultKind as K;
        let backend = || Expected::Backend(Protection::None);
        let image = seen(404, None, Some("default backend - 404"));
        let page = seen(404, None, Some(PAGE_404));
        for (observed, seen, wanted) in [
            (PAGE_404, &page, K::ControllerDisagrees),
            (PAGE_404, &image, K::AsPredicted),
            ("default backend - 404", &image, K::ControllerDisagrees),
            ("default backend - 404", &page, K::AsPredicted),
            ("page of the operator", &page, K::AsPredicted),
        ] {
            assert_eq!(kind(backend(), seen, &observed_backend(observed)), wanted, "{observed}");
        }
        // Another address has another default backend.
        let elsewhere = Observation { address: Some(SocketAddr::from(([192, 0, 2, 2], 80))), ..page };
        assert_eq!(kind(backend(), &elsewhere, &observed_backend(PAGE_404)), K::Unknown);
    }

    #[test]
    fn a_location_that_has_answered_exists() {
        let requests = ["a", "a", "b"].map(|field| planned(Expected::Backend(Protection::None), Some(field)));
        let page = || seen(404, None, Some(PAGE_404));
        let observations = [seen(200, None, None), page(), page()];
        let judged = judge(&requests, &observations, &observed_backend(PAGE_404), Timestamp::UNIX_EPOCH, false);
        let kinds: Vec<ResultKind> = judged.iter().map(|result| result.result).collect();
        assert_eq!(kinds, [ResultKind::AsPredicted, ResultKind::AsPredicted, ResultKind::ControllerDisagrees]);
    }

    #[test]
    fn a_time_out_from_inside_the_cluster_is_unknown() {
        let request = [planned(Expected::Backend(Protection::None), None)];
        let late = [Observation { answer: Err(NoAnswer::TimedOut("connecting")), ..seen(200, None, None) }];
        let judged =
            |is_inside| judge(&request, &late, &DefaultBackends::default(), Timestamp::UNIX_EPOCH, is_inside)[0].result;
        assert_eq!((judged(false), judged(true)), (ResultKind::NoAnswer, ResultKind::Unknown));
    }

    #[test]
    fn a_bad_certificate_counts_after_a_bad_answer() {
        let fake = SeenCertificate { leaf: vec![1], facts: None, is_fake: true };
        let with = |observation| Observation { certificate: Some(Arc::new(fake.clone())), ..observation };
        let good = with(seen(200, None, None));
        let bad = with(seen(404, None, Some("default backend - 404")));
        let backend = || Expected::Backend(Protection::None);
        assert_eq!(kind(backend(), &good, &DefaultBackends::default()), ResultKind::FakeCertificate);
        assert_eq!(kind(backend(), &bad, &DefaultBackends::default()), ResultKind::ControllerDisagrees);
        let unparsed = SeenCertificate { is_fake: false, ..fake };
        let wrong = Observation { certificate: Some(Arc::new(unparsed)), ..seen(200, None, None) };
        assert_eq!(kind(backend(), &wrong, &DefaultBackends::default()), ResultKind::WrongCertificate);
    }
}
