//! The target of a redirect, as its `Location` header has it. Sections 2.7, 3.2, 3.4, 4.7, 5.5 and 7.2.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use super::annotations::NginxAnnotations;
use super::answer::{Answer, Outcome, Redirect, Scheme};
use super::location::{Location, Piece, Rewritten, escaped, host_name, is_set_in_locations, normalized, pieces};
use super::routes::{Routes, When};
use super::server_name::ServerName;
use crate::model::Host;

/// The ASCII characters that a header cannot contain.
const UNSENT: &AsciiSet = &CONTROLS.add(b' ');

/// A request as nginx receives it.
#[derive(Debug, Clone, Copy)]
pub struct Received<'r> {
    /// The scheme.
    pub scheme: Scheme,
    /// The `Host` header.
    pub host: &'r str,
    /// Path and query, as the request line has them.
    pub target: &'r str,
}

impl<'r> Received<'r> {
    /// Returns the value of an nginx variable that depends only on the request.
    fn variable(self, name: &str) -> Option<Cow<'r, [u8]>> {
        let text = |text: &'r str| Cow::Borrowed(text.as_bytes());
        Some(match name {
            "scheme" => text(self.scheme.name()),
            "host" => Cow::Owned(host_name(self.host).into_bytes()),
            "http_host" => text(self.host),
            "request_uri" => text(self.target),
            "uri" | "document_uri" => normalized(self.target)?,
            "args" | "query_string" => text(self.query().get(1..).unwrap_or_default()),
            "is_args" => text(if self.query().len() > 1 { "?" } else { "" }),
            _ => return None,
        })
    }

    /// Returns the query with its question mark; empty if there is none.
    fn query(self) -> &'r str {
        let sent = self.target.split('#').next().unwrap_or_default();
        sent.find('?').map_or("", |at| &sent[at..])
    }

    /// Returns scheme and host of an absolute URL, as nginx and the controller's template write them.
    fn origin(self) -> String {
        format!("{}://{}", self.scheme.name(), host_name(self.host))
    }

    /// Returns the request target without a slash at its end, query included.
    fn without_last_slash(self) -> &'r str {
        self.target.strip_suffix('/').unwrap_or(self.target)
    }
}

impl Scheme {
    /// Returns `http` or `https`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Returns the port on which the controller listens, unless flags change it.
    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl<'a> Routes<'a> {
    /// Returns the target of a redirect that answers a request; `None`: it depends on more than the request.
    #[must_use]
    pub fn redirect_target(&self, answer: &Answer<'a>, received: Received<'_>) -> Option<String> {
        let Outcome::Redirect(_, why) = answer.outcome else { return None };
        let location = answer.location.as_ref();
        let annotations = location.and_then(Location::annotations);
        let absolute = |path: String| {
            let is_relative = annotations.is_some_and(NginxAnnotations::keeps_redirects_relative);
            if is_relative { path } else { received.origin() + &path }
        };
        match why {
            // To the location's path, because that of the request can contain `//` or `..`.
            Redirect::Slash => Some(absolute(escaped(location?.path.as_bytes()) + received.query())),
            Redirect::Https => {
                let annotations = annotations?;
                let host = received.host.split(':').next()?;
                let dialect = self.dialect();
                let port = if dialect.uses_port_in_redirects(annotations) { ":443" } else { "" };
                let target = if dialect.preserves_trailing_slash(annotations) {
                    received.target
                } else {
                    received.without_last_slash()
                };
                Some(format!("https://{host}{port}{target}"))
            }
            Redirect::Www => {
                let (scheme, port) = (received.scheme.name(), received.scheme.port());
                Some(format!("{scheme}://{}:{port}{}", answer.server.host, received.without_last_slash()))
            }
            Redirect::Annotated => {
                let target = annotations?.redirect()?.target;
                Some(if target.starts_with('/') { absolute(target.to_owned()) } else { target.to_owned() })
            }
            Redirect::AppRoot => {
                let root = answer.server.app_root()?;
                let root = self.expanded(root, answer, received)?;
                Some(format!("{}://{}{root}", received.scheme.name(), received.host))
            }
            Redirect::Target => {
                let Rewritten::Redirect(Some(target)) = self.rewritten(location?, received)? else { return None };
                Some(percent_encode(&target, UNSENT).to_string() + received.query())
            }
        }
    }

    /// Rewrites the path of a request at its location, with the variables that depend only on the request.
    #[must_use]
    pub fn rewritten(&self, location: &Location<'a>, received: Received<'_>) -> Option<Rewritten> {
        let uri = normalized(received.target)?;
        location.rewritten_with(&uri, |name| received.variable(name), self.budget()).ok()
    }

    /// Returns the value of `app-root` with its variables filled in. It is evaluated outside of every location: a number stands
    /// for what the regex of the server's name captured (section 3.4).
    fn expanded(&self, root: &str, answer: &Answer<'a>, received: Received<'_>) -> Option<String> {
        let host = Host::parse(&host_name(received.host));
        // The name of a server that is not a regex takes precedence, and captures nothing.
        let by_name = !self.server_by_name(&host, When::After).is_absent();
        let of_wildcard =
            !by_name && matches!(answer.server.host, Host::Wildcard(_)) && answer.server.host.covers(&host);
        let label = received.host.split('.').next().filter(|_| of_wildcard).map(str::to_ascii_lowercase);
        let groups = match &label {
            Some(label) => vec![label.clone()],
            None if by_name => Vec::new(),
            None => self.captured_by_alias(&answer.server.host, &host)?,
        };
        let mut expanded = Vec::new();
        for piece in pieces(root) {
            match piece {
                Piece::Literal(text) => expanded.extend(text.as_bytes()),
                Piece::Capture(group) => expanded.extend(groups.get(group - 1).into_iter().flat_map(|it| it.bytes())),
                Piece::Variable("subdomain") => expanded.extend(label.iter().flat_map(|label| label.bytes())),
                Piece::Variable("literal_dollar") => expanded.push(b'$'),
                Piece::Variable("proxy_upstream_name") => expanded.push(b'-'),
                Piece::Variable(name) if is_set_in_locations(name) => {}
                Piece::Variable(name) => expanded.extend(&*received.variable(name)?),
            }
        }
        Some(percent_encode(&expanded, UNSENT).to_string())
    }

    /// Returns what the groups of the first alias that matches a host capture; `None`: the match exceeds the budget.
    fn captured_by_alias(&self, server: &Host, host: &Host) -> Option<Vec<String>> {
        let mut regexes = self.aliases(server, When::After);
        regexes.retain(|alias| alias.starts_with('~'));
        regexes.sort_unstable();
        for alias in regexes {
            if let Some(groups) = ServerName::captured(alias, host, self.budget()).ok()? {
                return Some(groups);
            }
        }
        Some(Vec::new())
    }
}
