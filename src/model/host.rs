//! Host names of rules, TLS entries and certificates, and which covers which.

use std::fmt;

/// A host as an Ingress or a certificate writes it, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// No host: requests for every host without rules of its own.
    Any,
    /// `app.example.com`
    Exact(Box<str>),
    /// `*.example.com`, kept as `example.com`. It stands for exactly one label
    /// (Kubernetes Ingress API, "Hostname wildcards"; RFC 6125 section 6.4.3).
    Wildcard(Box<str>),
}

impl Host {
    /// Parses a host; the empty text is [`Host::Any`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        if text.is_empty() {
            Self::Any
        } else if let Some(parent) = text.strip_prefix("*.") {
            Self::Wildcard(parent.into())
        } else {
            Self::Exact(text.into())
        }
    }

    /// Returns whether every request for `other` is also one for `self`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Wildcard(parent), Self::Exact(name)) => {
                name.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == &**parent)
            }
            _ => self == other,
        }
    }

    /// Returns the wildcard that covers this exact host, if it has a parent domain.
    #[must_use]
    pub fn wildcard(&self) -> Option<Self> {
        match self {
            Self::Exact(name) => name.split_once('.').map(|(_, parent)| Self::Wildcard(parent.into())),
            _ => None,
        }
    }

    /// Returns every wildcard over a domain that the host lies in, the nearest first. Only the first one covers the host; a
    /// `server-alias` may match at any depth.
    pub fn parents(&self) -> impl Iterator<Item = Self> {
        let name = match self {
            Self::Exact(name) | Self::Wildcard(name) => &**name,
            Self::Any => "",
        };
        name.match_indices('.').map(|(dot, _)| Self::Wildcard(name[dot + 1..].into()))
    }

    /// Returns the names of an nginx server that match this host, regexes aside, in nginx's order of preference: the name,
    /// wildcards before a domain, wildcards after labels. `.example.com` stands for the domain and all names below it.
    pub fn server_names(&self) -> impl Iterator<Item = Self> {
        let name = if let Self::Exact(name) = self { &**name } else { "" };
        let own = (!name.is_empty()).then(|| Self::Exact(format!(".{name}").into()));
        let below = self.parents().flat_map(|parent| {
            let Self::Wildcard(domain) = &parent else { return vec![parent] };
            let with_domain = Self::Exact(format!(".{domain}").into());
            vec![parent, with_domain]
        });
        [self.clone()].into_iter().chain(own).chain(below).chain(self.labels_with_any_end())
    }

    /// Returns the names such as `app.*` that match this host, the longest first.
    pub fn labels_with_any_end(&self) -> impl Iterator<Item = Self> {
        let name = if let Self::Exact(name) = self { &**name } else { "" };
        name.rmatch_indices('.').map(|(dot, _)| Self::Exact(format!("{}.*", &name[..dot]).into()))
    }

    /// Returns the domain of a wildcard.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        if let Self::Wildcard(domain) = self { Some(domain) } else { None }
    }

    /// Returns the host with `www.` added or removed, for ingress-nginx's `from-to-www-redirect`.
    #[must_use]
    pub fn www_twin(&self) -> Option<Self> {
        match self {
            Self::Exact(name) => Some(Self::Exact(match name.strip_prefix("www.") {
                Some(bare) => bare.into(),
                None => format!("www.{name}").into(),
            })),
            _ => None,
        }
    }
}

impl fmt::Display for Host {
    /// `*` stands for [`Host::Any`], which no rule can write.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(name) => f.write_str(name),
            Self::Wildcard(parent) => write!(f, "*.{parent}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_covers_exactly_one_label() {
        let wildcard = Host::parse("*.Foo.com");
        for (host, covered) in [
            ("bar.foo.com", true),
            ("BAR.foo.com", true),
            ("baz.bar.foo.com", false),
            ("foo.com", false),
            (".foo.com", false),
            ("*.foo.com", true),
            ("*.bar.foo.com", false),
        ] {
            assert_eq!(wildcard.covers(&Host::parse(host)), covered, "{host}");
        }
        assert!(!Host::parse("a.foo.com").covers(&wildcard));
        assert!(Host::Any.covers(&wildcard));
        assert_eq!(Host::parse("a.foo.com").wildcard(), Some(wildcard));
        let parents: Vec<Host> = Host::parse("a.b.foo").parents().collect();
        assert_eq!(parents, [Host::parse("*.b.foo"), Host::parse("*.foo")]);
        assert_eq!(Host::Any.parents().count(), 0);
        let names: Vec<String> = Host::parse("a.b.foo").server_names().map(|name| name.to_string()).collect();
        assert_eq!(names, ["a.b.foo", ".a.b.foo", "*.b.foo", ".b.foo", "*.foo", ".foo", "a.b.*", "a.*"]);
        assert_eq!(Host::parse("www.foo.com").www_twin(), Some(Host::parse("foo.com")));
        assert_eq!(Host::parse("foo.com").www_twin(), Some(Host::parse("www.foo.com")));
    }
}
