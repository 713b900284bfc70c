//! The answer to a request: the server, the location and the outcome. `explain`, the checks and the route diff use the
//! same function.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use super::annotations::{NginxAnnotations, Refusal};
use super::controller::ControllerFamily;
use super::location::{Claim, Located, Location, Modifier, Rewritten, Server, host_name, normalized};
use super::routes::{Routes, When};
use crate::budget::BudgetExceeded;
use crate::cluster::Lookup;
use crate::model::{Backend, Host, Ingress, PortRef};

/// The answer to a request as far as routing decides it; the backend's endpoints are
/// [`ResolvedBackend`](super::ResolvedBackend)'s.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// The server that gets the request.
    pub server: Rc<Server<'a>>,
    /// The location that gets the request; `None`: nginx answers before it chooses one.
    pub location: Option<Location<'a>>,
    /// The outcome, unless an invalid annotation forces another one: [`Routes::refusal`].
    pub outcome: Outcome<'a>,
    /// Whether the TLS connection is passed to the backend, without nginx (section 5.6).
    pub is_passed_through: bool,
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<'a> {
    /// 400: nginx cannot parse the path.
    BadRequest,
    /// A redirect, with its status and reason.
    Redirect(u16, Redirect),
    /// 404 from the controller's default backend.
    DefaultBackend,
    /// 500: the rewritten path is empty.
    Broken,
    /// Unknown: the controller matches paths by rules that are not known. The location is the path that may match.
    Unknown,
    /// A backend gets the request.
    Backend {
        /// The Ingress of the backend; the Service is in its namespace.
        of: OwnedBy<'a>,
        /// The backend.
        backend: &'a Backend,
        /// The path that it gets.
        path: Rewritten,
    },
}

/// An Ingress, compared by its identity.
#[derive(Debug, Clone, Copy)]
pub struct OwnedBy<'a>(pub &'a Ingress);

impl PartialEq for OwnedBy<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.meta.key == other.0.meta.key
    }
}

/// The reason for a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirect {
    /// To the same path with a trailing slash (section 2.7).
    Slash,
    /// To HTTPS (section 5.5).
    Https,
    /// To the target of `permanent-redirect` or `temporal-redirect` (section 4.7).
    Annotated,
    /// From `/` to `app-root` (section 3.4).
    AppRoot,
    /// To `rewrite-target`, which is a URL (section 3.2).
    Target,
    /// To the host with `www.`, or without, by `from-to-www-redirect` (section 7.2).
    Www,
}

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
}

impl fmt::Display for Outcome<'_> {
    /// Writes the outcome as a noun phrase, e.g. `Service shop/web:80` or `308 redirect`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest => f.write_str("400"),
            Self::Redirect(status, Redirect::Slash) => write!(f, "{status} redirect to the path with a slash"),
            Self::Redirect(status, _) => write!(f, "{status} redirect"),
            Self::DefaultBackend => f.write_str("404 from the default backend"),
            Self::Broken => f.write_str("500"),
            Self::Unknown => f.write_str("an unknown answer"),
            Self::Backend { of, backend, path } => {
                match backend {
                    Backend::Service { name, port } => {
                        write!(f, "Service {}/{name}", of.0.meta.key.namespace)?;
                        match port {
                            Some(PortRef::Name(name)) => write!(f, ":{name}")?,
                            Some(PortRef::Number(number)) => write!(f, ":{number}")?,
                            None => {}
                        }
                    }
                    Backend::Resource => write!(f, "resource of Ingress {}", of.0.meta.key)?,
                }
                match path {
                    Rewritten::To(path) => write!(f, " as {}", String::from_utf8_lossy(path)),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl<'a> Routes<'a> {
    /// Returns the answer of the controller to a request. `Unknown`: the Ingresses are not known.
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn answer(
        &self,
        scheme: Scheme,
        host: &str,
        path: &str,
        when: When,
    ) -> Result<Lookup<Answer<'a>>, BudgetExceeded> {
        let name = host_name(host);
        if let Some(server) = self.www_twin(&name, when) {
            let is_parsed = normalized(path).is_some();
            let outcome = if is_parsed {
                Outcome::Redirect(self.dialect().redirect_code(), Redirect::Www)
            } else {
                Outcome::BadRequest
            };
            return Ok(Lookup::Found(Answer { server, location: None, outcome, is_passed_through: false }));
        }
        let server = match self.server_for(&name, when) {
            Lookup::Found(server) => server,
            Lookup::Absent => return Ok(Lookup::Absent),
            Lookup::Unknown => return Ok(Lookup::Unknown),
        };
        let host = Host::parse(&name);
        if scheme == Scheme::Https
            && let Some(answer) = self.passed_through(&server, &host, when)
        {
            return Ok(Lookup::Found(answer));
        }
        self.answer_to(&server, &host, (scheme, path), when).map(Lookup::Found)
    }

    /// Returns the answer of the locations of one server to a request for its host.
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn answer_on(
        &self,
        server: &Rc<Server<'a>>,
        scheme: Scheme,
        path: &str,
        when: When,
    ) -> Result<Answer<'a>, BudgetExceeded> {
        self.answer_to(server, &server.host, (scheme, path), when)
    }

    fn answer_to(
        &self,
        server: &Rc<Server<'a>>,
        host: &Host,
        (scheme, path): (Scheme, &str),
        when: When,
    ) -> Result<Answer<'a>, BudgetExceeded> {
        let answer = |location: Option<&Location<'a>>, outcome| Answer {
            server: Rc::clone(server),
            location: location.cloned(),
            outcome,
            is_passed_through: false,
        };
        let Some(uri) = normalized(path) else { return Ok(answer(None, Outcome::BadRequest)) };
        if *uri == *b"/" && server.app_root().is_some() {
            return Ok(answer(None, Outcome::Redirect(302, Redirect::AppRoot)));
        }
        let located = match server.locate(&uri, self.budget()) {
            // The server has no locations, and nginx compiles none of their regexes.
            Err(BudgetExceeded) if server.forbidden.is_some() => return Ok(answer(None, Outcome::Unknown)),
            located => located?,
        };
        Ok(match located {
            Located::At(location) => answer(Some(location), self.outcome(location, host, (scheme, &uri), when)?),
            Located::Unknown(location) => answer(Some(location), Outcome::Unknown),
            Located::Slash(location) => answer(Some(location), Outcome::Redirect(301, Redirect::Slash)),
            Located::Nowhere => match self.catch_all(server, when) {
                Some(location) => answer(Some(&location), self.outcome(&location, host, (scheme, &uri), when)?),
                None if self.matches_by_unknown_rules() => answer(None, Outcome::Unknown),
                None => answer(None, Outcome::DefaultBackend),
            },
        })
    }

    /// Returns the answer for a host whose TLS connections the controller passes to the backend of its location `/`: any Ingress of the
    /// host asks for it, and the host is not a wildcard (section 5.6).
    fn passed_through(&self, server: &Rc<Server<'a>>, host: &Host, when: When) -> Option<Answer<'a>> {
        let is_enabled = self.dialect().family == ControllerFamily::Nginx
            && self.dialect().passes_tls_through() == Some(true)
            && matches!(host, Host::Exact(_))
            && server.host == *host;
        let claims = self.claims(host, when).found().filter(|_| is_enabled)?;
        let asks = |claim: &Claim<'_>| !claim.is_canary && NginxAnnotations::of(claim.ingress).passes_tls_through();
        if !claims.iter().any(asks) {
            return None;
        }
        let location = server.locations.iter().find(|location| location.path == "/")?;
        let (of, backend) = location.ingress.zip(location.backend)?;
        let outcome = Outcome::Backend { of: OwnedBy(of), backend, path: Rewritten::Untouched };
        let location = Some(location.clone());
        Some(Answer { server: Rc::clone(server), location, outcome, is_passed_through: true })
    }

    /// Returns the `defaultBackend` for requests that no path of a host matches, by Kubernetes' own rules. ingress-nginx uses
    /// none but the host's (section 2.3).
    fn catch_all(&self, server: &Server<'a>, when: When) -> Option<Location<'a>> {
        if self.reads_nginx_annotations() || server.host == Host::Any {
            return None;
        }
        let claims = self.claims(&Host::Any, when).found()?;
        let mut bare = claims.iter().filter(|claim| claim.rule.is_none());
        bare.find_map(|claim| {
            let backend = claim.ingress.default_backend.as_ref()?;
            Some(Location::plain(Cow::Borrowed("/"), Modifier::Prefix, claim.ingress, None, backend))
        })
    }

    /// Returns whether the controller may match paths that Kubernetes' rules do not match.
    fn matches_by_unknown_rules(&self) -> bool {
        !self.reads_nginx_annotations() && self.controller().known.is_none()
    }

    fn outcome(
        &self,
        location: &Location<'a>,
        host: &Host,
        (scheme, uri): (Scheme, &[u8]),
        when: When,
    ) -> Result<Outcome<'a>, BudgetExceeded> {
        let annotations = location.annotations();
        if let Some(redirect) = annotations.and_then(NginxAnnotations::redirect) {
            return Ok(Outcome::Redirect(redirect.status, Redirect::Annotated));
        }
        // The rewrite module's directives come before the controller's own code, which redirects to HTTPS.
        let path = location.rewritten(uri, self.budget())?;
        match path {
            Rewritten::Redirect(_) => return Ok(Outcome::Redirect(302, Redirect::Target)),
            Rewritten::Empty => return Ok(Outcome::Broken),
            Rewritten::Untouched | Rewritten::To(_) | Rewritten::Variable => {}
        }
        if scheme == Scheme::Http
            && let Some(annotations) = annotations
            && !self.dialect().exempts_from_https(&location.path)
            && (self.dialect().forces_https(annotations)
                || (self.dialect().redirects_to_https(annotations) && self.has_certificate(host, when) != Some(false)))
        {
            return Ok(Outcome::Redirect(self.dialect().redirect_code(), Redirect::Https));
        }
        Ok(match (location.ingress, location.backend) {
            (Some(ingress), Some(backend)) => Outcome::Backend { of: OwnedBy(ingress), backend, path },
            _ => Outcome::DefaultBackend,
        })
    }

    /// Returns the forced response of an answer's host or location. An invalid `auth-tls-secret` denies the whole host
    /// (section 5.7); another invalid annotation denies the locations of its Ingress (section 7.0). Checks do not call it:
    /// they report on the paths whatever the annotations do.
    #[must_use]
    pub fn refusal(&self, answer: &Answer<'a>) -> Option<Refusal> {
        match answer.outcome {
            // The backend terminates TLS.
            _ if answer.is_passed_through => None,
            // nginx answers 400 before it reads the server, and a redirect from the other name has a server of its own.
            Outcome::BadRequest | Outcome::Redirect(_, Redirect::Www) => None,
            Outcome::Redirect(_, Redirect::Slash) => answer.server.forbidden,
            _ => answer.server.forbidden.or_else(|| answer.location.as_ref()?.refusal),
        }
    }
}

impl<'a> Server<'a> {
    /// Returns the `app-root` to which `/` redirects: any Ingress of the host can set it (section 3.4).
    pub(super) fn app_root(&self) -> Option<&'a str> {
        self.locations.iter().filter(|location| location.has_app_root()).find_map(|it| it.annotations()?.app_root())
    }
}
