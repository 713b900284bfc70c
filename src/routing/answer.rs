//! What a visitor gets: which server, which location, what comes of it. The one function behind `explain` and the
//! checks.

use std::borrow::Cow;
use std::rc::Rc;

use super::annotations::NginxAnnotations;
use super::location::BudgetExceeded;
use super::location::Located;
use super::location::Rewritten;
use super::location::{Location, Modifier, Server};
use super::location::{host_name, normalized};
use super::refusal::Refusal;
use super::routes::{Routes, When};
use crate::cluster::Lookup;
use crate::model::{Backend, Host, Ingress};

/// What a request comes to, as far as routing decides it. Whether somebody stands behind the backend is another
/// question.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// The server that takes the request.
    pub server: Rc<Server<'a>>,
    /// The location that decides; none where nginx answers before it looks for one.
    pub location: Option<Location<'a>>,
    /// What the visitor gets, unless nobody is let in: [`Routes::refusal`].
    pub outcome: Outcome<'a>,
}

/// What a visitor gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<'a> {
    /// 400: the path cannot be read.
    BadRequest,
    /// A redirect before any backend is asked.
    Redirect(u16, Redirect),
    /// 404 from the controller's default backend.
    DefaultBackend,
    /// 500: the rewrite leaves nothing.
    Broken,
    /// A backend is asked.
    Backend {
        /// Whose backend it is; its namespace is where the Service lives.
        of: OwnedBy<'a>,
        /// The backend.
        backend: &'a Backend,
        /// What it is asked for.
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

/// Why a visitor is redirected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirect {
    /// To the same path with a slash to its end (section 2.7).
    Slash,
    /// To HTTPS (section 5.5).
    Https,
    /// Where `permanent-redirect` or `temporal-redirect` says (section 4.7).
    Annotated,
    /// From `/` to `app-root` (section 3.4).
    AppRoot,
    /// To the URL that `rewrite-target` is (section 3.2).
    Target,
    /// To the host with `www.`, or without, by `from-to-www-redirect` (section 7.2).
    Www,
}

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl<'a> Routes<'a> {
    /// What a visitor gets from the controller. `Unknown`: the Ingresses are not known.
    ///
    /// # Errors
    /// When it would take too long to say.
    pub fn answer(
        &self,
        scheme: Scheme,
        host: &str,
        path: &str,
        when: When,
    ) -> Result<Lookup<Answer<'a>>, BudgetExceeded> {
        let name = host_name(host);
        if let Some(server) = self.www_twin(&name, when) {
            return Ok(Lookup::Found(Answer {
                server,
                location: None,
                outcome: Outcome::Redirect(308, Redirect::Www),
            }));
        }
        let server = match self.server_for(&name, when) {
            Lookup::Found(server) => server,
            Lookup::Absent => return Ok(Lookup::Absent),
            Lookup::Unknown => return Ok(Lookup::Unknown),
        };
        self.answer_on(&server, scheme, path, when).map(Lookup::Found)
    }

    /// What a visitor gets from one server.
    ///
    /// # Errors
    /// When it would take too long to say.
    pub fn answer_on(
        &self,
        server: &Rc<Server<'a>>,
        scheme: Scheme,
        path: &str,
        when: When,
    ) -> Result<Answer<'a>, BudgetExceeded> {
        let answer = |location: Option<&Location<'a>>, outcome| Answer {
            server: Rc::clone(server),
            location: location.cloned(),
            outcome,
        };
        let Some(uri) = normalized(path) else { return Ok(answer(None, Outcome::BadRequest)) };
        if uri == b"/" && server.has_app_root() {
            return Ok(answer(None, Outcome::Redirect(302, Redirect::AppRoot)));
        }
        Ok(match server.locate(&uri, self.budget())? {
            Located::At(location) => answer(Some(location), self.outcome(server, location, scheme, &uri, when)?),
            Located::Slash(location) => answer(Some(location), Outcome::Redirect(301, Redirect::Slash)),
            Located::Nowhere => match self.catch_all(server, when) {
                Some(location) => answer(Some(&location), self.outcome(server, &location, scheme, &uri, when)?),
                None => answer(None, Outcome::DefaultBackend),
            },
        })
    }

    /// The `defaultBackend` that takes what no path of a host takes, as Kubernetes has it. (ingress-nginx asks nobody
    /// else: section 2.3.)
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

    fn outcome(
        &self,
        server: &Server<'a>,
        location: &Location<'a>,
        scheme: Scheme,
        uri: &[u8],
        when: When,
    ) -> Result<Outcome<'a>, BudgetExceeded> {
        let annotations = location.annotations();
        if let Some(status) = annotations.and_then(NginxAnnotations::redirect_status) {
            return Ok(Outcome::Redirect(status, Redirect::Annotated));
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
            && (annotations.forces_https() || (annotations.redirects_to_https() && self.has_certificate(server, when)))
        {
            return Ok(Outcome::Redirect(308, Redirect::Https));
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
    pub fn refusal(&self, answer: &Answer<'a>, when: When) -> Option<Refusal> {
        self.refuses_host(&answer.server.host, when).or_else(|| self.refuses_location(answer.location.as_ref()?))
    }

    /// Whether HTTPS on this host has a certificate entry, be it the default certificate: then HTTP redirects there
    /// (sections 5.2 and 5.5).
    fn has_certificate(&self, server: &Server<'a>, when: When) -> bool {
        // The server `_` always has the default certificate, but redirects go by name.
        let mut names = [Some(server.host.clone()), server.host.wildcard()].into_iter().flatten();
        names.any(|name| self.asks_for_tls(&name, when).is_some())
    }
}

impl Server<'_> {
    /// Whether `/` is redirected by `app-root`: any Ingress of the host can do that (section 3.4).
    fn has_app_root(&self) -> bool {
        let mut annotations = self.locations.iter().filter_map(Location::annotations);
        annotations.any(|annotations| annotations.app_root().is_some())
    }
}
