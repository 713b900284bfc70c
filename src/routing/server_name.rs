//! The names of a server as nginx matches them, and which of them lie within a host of the configuration. Section 2.3; nginx
//! "Server names".

use std::rc::Rc;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, Look, LookSet};

use super::location::{Pattern, PatternError, parsing, texts};
use crate::budget::{Budget, BudgetExceeded};
use crate::model::Host;

/// A set of host names that one name of a server matches.
#[derive(Debug, Clone)]
pub enum ServerName {
    /// The host of a rule: one host, one label before a domain, or every host.
    Rule(Host),
    /// `*.example.com` as an alias: any number of labels before a domain.
    Below(Box<str>),
    /// `shop.*`: a domain of any name after these labels.
    Prefix(Box<str>),
    /// `~^shop\d\.example\.com$`: a regex.
    Regex(Regex),
}

/// A regex as an alias, with what all its matches have in common.
#[derive(Debug, Clone)]
pub struct Regex {
    pattern: Rc<Pattern>,
    /// Every match ends in it; may be empty.
    suffix: Box<str>,
    /// Texts that it matches, as far as its syntax shows.
    samples: Rc<[String]>,
}

/// The reason for which nginx refuses an item of `server-alias`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasFlaw {
    /// The reason, as a predicate of the item.
    pub reason: String,
    /// Whether every version of PCRE refuses it.
    pub is_certain: bool,
    /// Whether nginx refuses it only if it compares names: if the configuration has several servers, or a regex with a group.
    pub if_compared: bool,
}

impl ServerName {
    /// Returns the names of an item of `server-alias`: two for `.example.com` and for a regex that is an alternative of two hosts.
    /// Without a name: nginx cannot compile it.
    ///
    /// # Errors
    /// When path matching exceeds its budget, or the regex is too long to compile.
    pub fn of_alias(alias: &str, budget: &Budget) -> Result<Vec<Self>, BudgetExceeded> {
        if let Some(regex) = alias.strip_prefix('~') {
            return of_regex(regex, budget);
        }
        let alias = alias.trim_end_matches('.').to_ascii_lowercase();
        let names = if let Some(domain) = alias.strip_prefix("*.") {
            (domain, vec![Self::Below(domain.into())])
        } else if let Some(domain) = alias.strip_prefix('.') {
            (domain, vec![Self::Rule(Host::parse(domain)), Self::Below(domain.into())])
        } else if let Some(labels) = alias.strip_suffix(".*") {
            (labels, vec![Self::Prefix(labels.into())])
        } else {
            (&*alias, vec![Self::Rule(Host::parse(&alias))])
        };
        // nginx refuses other uses of an asterisk.
        Ok(if names.0.is_empty() || names.0.contains('*') { Vec::new() } else { names.1 })
    }

    /// Returns the reason for which nginx refuses an item of `server-alias` (section 2.8, B7 and B17; `ngx_http_core_server_name`,
    /// `ngx_hash_add_key`).
    ///
    /// # Errors
    /// When path matching exceeds its budget, or the regex is too long to compile.
    pub fn flaw_of_alias(alias: &str, budget: &Budget) -> Result<Option<AliasFlaw>, BudgetExceeded> {
        let flaw = |reason: String, is_certain, if_compared| Ok(Some(AliasFlaw { reason, is_certain, if_compared }));
        if let Some(regex) = alias.strip_prefix('~') {
            if regex.is_empty() {
                return flaw("is an empty regex".to_owned(), true, false);
            }
            return match Pattern::server_name(regex, budget) {
                Ok(_) => Ok(None),
                Err(PatternError::Invalid { reason, in_both }) => {
                    flaw(format!("is an invalid regex ({reason})"), in_both, false)
                }
                Err(PatternError::TooLong | PatternError::TooCostly) => Err(BudgetExceeded),
            };
        }
        budget.spend(u32::try_from(alias.len() / 8).unwrap_or(u32::MAX))?;
        let asterisks = alias.matches('*').count();
        let is_bare = alias == "." || (alias.starts_with('*') && (alias.len() < 3 || !alias.starts_with("*.")));
        let is_wildcard = alias.starts_with('.') || alias.starts_with("*.") || alias.ends_with(".*");
        let is_refused = is_bare || alias.contains("..") || asterisks > 1 || (asterisks == 1 && !is_wildcard);
        if is_refused { flaw("is not a valid server name".to_owned(), true, !is_bare) } else { Ok(None) }
    }

    /// Returns whether an item of `server-alias` matches a host name.
    ///
    /// # Errors
    /// When path matching exceeds its budget, or the regex is too long to compile.
    pub fn alias_matches(alias: &str, host: &Host, budget: &Budget) -> Result<bool, BudgetExceeded> {
        for name in Self::of_alias(alias, budget)? {
            if name.meets(host, budget)? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns what the groups of a regex as an alias capture of a host name; `None`: it does not match.
    ///
    /// # Errors
    /// When path matching exceeds its budget, or the regex is too long to compile.
    pub fn captured(alias: &str, host: &Host, budget: &Budget) -> Result<Option<Vec<String>>, BudgetExceeded> {
        let (Some(regex), Host::Exact(name)) = (alias.strip_prefix('~'), host) else { return Ok(None) };
        let pattern = match Pattern::server_name(regex, budget) {
            Ok(pattern) => pattern,
            Err(PatternError::Invalid { .. }) => return Ok(None),
            Err(PatternError::TooLong | PatternError::TooCostly) => return Err(BudgetExceeded),
        };
        let Some(captures) = pattern.captures(name.as_bytes(), budget)? else { return Ok(None) };
        let group = |number| captures.get(number).map_or(&[][..], |group| group.as_bytes());
        Ok(Some((1..captures.len()).map(|number| String::from_utf8_lossy(group(number)).into_owned()).collect()))
    }

    /// Returns the hosts that contain every name of the set, the nearest first. In the configuration a wildcard stands for all names
    /// below its domain, and [`Host::Any`] for all names.
    pub fn domains(&self) -> impl Iterator<Item = Host> {
        let (own, inner) = match self {
            Self::Rule(Host::Any) | Self::Prefix(_) => (None, Host::Any),
            Self::Rule(host) => (Some(host.clone()), host.clone()),
            Self::Below(domain) => (Some(Host::Wildcard(domain.clone())), Host::Wildcard(domain.clone())),
            Self::Regex(regex) => (None, Host::Exact(regex.suffix.clone())),
        };
        let parents: Vec<Host> = inner.parents().collect();
        own.into_iter().chain(parents).chain([Host::Any])
    }

    /// Returns whether the set consists of several names of which a part may lie in a host. A rule without a host gets the requests that
    /// no other server gets, so that it takes none from them.
    #[must_use]
    pub const fn is_pattern(&self) -> bool {
        !matches!(self, Self::Rule(Host::Exact(_) | Host::Any))
    }

    /// Returns whether a name of the set is also one of `host`, which is not among [`ServerName::domains`]; `None`: undecided.
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn meets(&self, host: &Host, budget: &Budget) -> Result<Option<bool>, BudgetExceeded> {
        budget.spend(1)?;
        Ok(match (self, host) {
            (_, Host::Any) | (Self::Prefix(_), Host::Wildcard(_)) => Some(true),
            (Self::Rule(rule), host) => Some(rule.covers(host)),
            (Self::Below(domain), Host::Exact(name) | Host::Wildcard(name)) => Some(is_below(name, domain)),
            (Self::Prefix(labels), Host::Exact(name)) => {
                Some(name.strip_prefix(&**labels).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.')))
            }
            (Self::Regex(regex), Host::Exact(name)) => {
                Some(name.ends_with(&*regex.suffix) && regex.is_match(name, budget)?)
            }
            (Self::Regex(regex), Host::Wildcard(domain)) => regex.meets_domain(domain, budget)?,
        })
    }

    /// Returns the top-level domain if the set contains every host of one label below it.
    #[must_use]
    pub fn top_level_domain(&self) -> Option<&str> {
        match self {
            Self::Rule(Host::Wildcard(domain)) | Self::Below(domain) if !domain.contains('.') => Some(domain),
            _ => None,
        }
    }

    /// Returns whether the set contains names of unrelated domains that no configuration mentions.
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn is_catch_all(&self, budget: &Budget) -> Result<bool, BudgetExceeded> {
        Ok(match self {
            Self::Rule(host) => *host == Host::Any,
            Self::Below(_) | Self::Prefix(_) => false,
            Self::Regex(regex) => {
                regex.suffix.is_empty()
                    && regex.is_match("any.invalid", budget)?
                    && regex.is_match("some-2.other.test", budget)?
            }
        })
    }
}

/// Whether a name lies below a domain.
fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

impl Regex {
    fn is_match(&self, name: &str, budget: &Budget) -> Result<bool, BudgetExceeded> {
        self.pattern.is_match(name.as_bytes(), budget)
    }

    /// Whether some match lies below a domain: `None` if no sample does, and the common end of the matches does not exclude it.
    fn meets_domain(&self, domain: &str, budget: &Budget) -> Result<Option<bool>, BudgetExceeded> {
        let end = format!(".{domain}");
        if !end.ends_with(&*self.suffix) {
            return Ok(Some(false));
        }
        for text in self.samples.iter().map(String::as_str).chain(["x"]) {
            if self.is_match(&format!("{}{end}", text.trim_matches('.')), budget)? {
                return Ok(Some(true));
            }
        }
        Ok(None)
    }
}

/// The names of a regex: its alternatives, if each is or ends in a literal text.
fn of_regex(regex: &str, budget: &Budget) -> Result<Vec<ServerName>, BudgetExceeded> {
    budget.spend(parsing(regex))?;
    let pattern = match Pattern::server_name(regex, budget) {
        Ok(pattern) => Rc::new(pattern),
        Err(PatternError::Invalid { .. }) => return Ok(Vec::new()),
        Err(PatternError::TooLong | PatternError::TooCostly) => return Err(BudgetExceeded),
    };
    let hir = parsed(regex);
    let samples: Rc<[String]> = hir.iter().flat_map(texts).collect();
    let endings = hir.as_ref().map(endings).unwrap_or_default();
    if endings.is_empty() {
        return Ok(vec![ServerName::Regex(Regex { pattern, suffix: Box::default(), samples })]);
    }
    let names = endings.into_iter().map(|(text, is_whole)| {
        if is_whole {
            return ServerName::Rule(Host::Exact(text.into()));
        }
        ServerName::Regex(Regex { pattern: Rc::clone(&pattern), suffix: text.into(), samples: Rc::clone(&samples) })
    });
    Ok(names.collect())
}

/// Parses a regex that certainly has the same meaning for PCRE2.
fn parsed(regex: &str) -> Option<Hir> {
    // Groups with flags, and a bracket or an operator of sets within a class, have another meaning there.
    let has_plain_groups =
        regex.split("(?").skip(1).all(|rest| [":", "<", "P<"].iter().any(|plain| rest.starts_with(plain)));
    let has_early_end = ["\\]", "[]", "[^]"].iter().any(|bracket| regex.contains(bracket));
    let is_plain = |class: &str| !["[", "&&", "--", "~~"].iter().any(|operator| class.contains(operator));
    let classes = regex.split(']').filter_map(|part| part.split_once('['));
    let has_plain_classes = !has_early_end && classes.map(|(_, class)| class).all(is_plain);
    let hir = ParserBuilder::new().utf8(false).unicode(false).nest_limit(50).build().parse(regex).ok()?;
    let anchors = LookSet::empty().insert(Look::Start).insert(Look::End);
    let has_plain_anchors = hir.properties().look_set().subtract(anchors).is_empty();
    (has_plain_groups && has_plain_classes && has_plain_anchors).then_some(hir)
}

/// Returns texts in one of which every match ends, and whether the text is the whole match; none if there is no such text.
fn endings(hir: &Hir) -> Vec<(String, bool)> {
    if !hir.properties().look_set_suffix().contains(Look::End) {
        return Vec::new();
    }
    let is_whole = hir.properties().look_set_prefix().contains(Look::Start);
    let suffixes = Extractor::new().kind(ExtractKind::Suffix).extract(hir);
    let Some(literals) = suffixes.literals() else { return Vec::new() };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_ascii_lowercase();
    literals.iter().map(|literal| (text(literal.as_bytes()), is_whole && literal.is_exact())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(alias: &str) -> Vec<ServerName> {
        ServerName::of_alias(alias, &Budget::default()).unwrap()
    }

    fn meets(alias: &str, host: &str) -> Option<bool> {
        let host = Host::parse(host);
        let names = names(alias);
        if names.iter().any(|name| name.domains().any(|domain| domain == host)) {
            return Some(true);
        }
        let met: Vec<Option<bool>> = names.iter().map(|name| name.meets(&host, &Budget::default()).unwrap()).collect();
        if met.contains(&Some(true)) {
            Some(true)
        } else {
            met.into_iter().find(Option::is_none).unwrap_or(Some(false))
        }
    }

    #[test]
    fn names_meet_the_hosts_that_nginx_matches() {
        for (alias, host, met) in [
            ("a.example.com", "a.example.com", true),
            ("A.Example.com.", "a.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "aexample.com", false),
            (".example.com", "example.com", true),
            (".example.com", "a.b.example.com", true),
            ("shop.*", "shop.example.com", true),
            ("shop.*", "shop", false),
            ("shop.*", "shops.example.com", false),
            ("shop.*", "*.example.com", true),
            ("*.example.com", "*.a.example.com", true),
            ("*.a.example.com", "*.b.example.com", false),
            ("*.*", "a.example.com", false),
            ("a*.example.com", "ab.example.com", false),
            (".", "a.example.com", false),
            (r"~^a\.example\.com$", "a.example.com", true),
            (r"~^A\.example\.com$", "a.example.com", true),
            (r"~^a\.example\.com$", "b.a.example.com", false),
            (r"~a\.example\.com$", "ba.example.com", true),
            (r"~^(a|b)\.example\.com$", "b.example.com", true),
            (r"~^xn--[a-z0-9]+\.example\.com$", "*.example.com", true),
            (r"~^xn--[a-z0-9]+\.example\.com$", "*.example.org", false),
            (r"~^co[!--m]\.example$", "com.example", true),
            (r"~^[a-z]+\.example\.co[!--m]$", "x.example.com", true),
            (r"~^[a-z]+\.example\.co[!--m]$", "*.example.com", true),
            (r"~^[a-z]+\.example\.co[]&&m]$", "*.example.com", true),
            (r"~^[a-z]+\.example\.co[\]&&m]$", "*.example.com", true),
            (r"~^[a-z]{3}-[0-9]{2}\.", "*.example.com", true),
            ("~(", "a.example.com", false),
        ] {
            assert_eq!(meets(alias, host), Some(met), "{alias} {host}");
        }
    }

    #[test]
    fn nginx_refuses_some_aliases() {
        let is_refused = |alias: &str| ServerName::flaw_of_alias(alias, &Budget::default()).unwrap().is_some();
        for alias in ["~", "~[", "~^foo(", "*", "*.", "*.a.*", "a..b", ".", "a*.b", "a.*.b"] {
            assert!(is_refused(alias), "{alias}");
        }
        for alias in [
            r"~^a\d+$",
            "~^al.*",
            "a.*",
            "www.*",
            ".shop.test",
            "~^",
            "*.sub.x",
            "-",
            "_",
            "127.0.0.1",
            "a_b.x",
            "a.",
            ".a*",
        ] {
            assert!(!is_refused(alias), "{alias}");
        }
    }

    #[test]
    fn a_name_lies_in_the_domains_of_its_end() {
        let domains = |alias: &str| -> Vec<String> {
            names(alias).iter().flat_map(|name| name.domains().map(|host| host.to_string())).collect()
        };
        assert_eq!(domains("a.b.c"), ["a.b.c", "*.b.c", "*.c", "*"]);
        assert_eq!(domains("*.b.c"), ["*.b.c", "*.c", "*"]);
        assert_eq!(domains("b.*"), ["*"]);
        assert_eq!(domains(r"~^[a-z]+\.b\.c$"), ["*.b.c", "*.c", "*"]);
        assert_eq!(domains(r"~b\.c$"), ["*.c", "*"]);
        assert_eq!(domains(r"~^[a-z]+\.b\.c"), ["*"]);
        assert_eq!(domains(r"~(?i)^[a-z]+\.b\.c$"), ["*"]);
        assert_eq!(domains(r"~^(x\.)?b\.c$"), ["x.b.c", "*.b.c", "*.c", "*", "b.c", "*.c", "*"]);
    }

    #[test]
    fn regexes_are_bounded() {
        assert_eq!(
            ServerName::of_alias(&format!("~{}", "a".repeat(5000)), &Budget::default()).unwrap_err(),
            BudgetExceeded
        );
        let costly = &names("~^(?=a)(a+)+$")[0];
        let name = Host::Exact(format!("{}b", "a".repeat(60)).into());
        assert_eq!(costly.meets(&name, &Budget::default()), Err(BudgetExceeded));
        let alternatives = format!("~^({})$", (0..800).map(|n| n.to_string()).collect::<Vec<_>>().join("|"));
        assert!(names(&alternatives).len() <= 250);
    }
}
