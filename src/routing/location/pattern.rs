//! Paths as regexes: compiled with PCRE2 as nginx does, within a budget, and recognised by their syntax.

use pcre2::bytes::{Captures, Regex, RegexBuilder};

use crate::budget::{Budget, BudgetExceeded};

/// The cost of one match in steps, and of one that PCRE2 gives up, which costs about a tenth of a millisecond.
const MATCH: u32 = 400;
const GIVEN_UP: u32 = 4_000;

/// The longest path that PCRE2 compiles here, in bytes.
const MAX_PATTERN: usize = 4096;

/// Put before each pattern: PCRE2 gives up on what takes longer, about a tenth of a millisecond. More than any honest path
/// needs; five thousand dishonest ones must not add up to more than a second.
const LIMITS: &str = "(*LIMIT_MATCH=2000)(*LIMIT_DEPTH=1000)(*LIMIT_HEAP=1024)";

/// A path as nginx compiles it: without case, not as UTF-8 (section 2.6).
#[derive(Debug)]
pub struct Pattern(Regex);

/// The reason why a path cannot be compiled as a regex.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// PCRE2 refuses it, and so does the controller.
    #[error("{0}")]
    Invalid(String),
    /// Too long to compile.
    #[error("too long to look at")]
    TooLong,
}

impl Pattern {
    /// The pattern of a location: `~* "^path"`, written so that nginx reads the path as it is (section 2.6).
    ///
    /// # Errors
    /// When PCRE2 refuses it.
    pub fn location(path: &str) -> Result<Self, PatternError> {
        Self::compile("^", path)
    }

    /// The pattern of a rewrite: `"(?i)path"`, which is not tied to the beginning (section 3.1).
    ///
    /// # Errors
    /// When PCRE2 refuses it.
    pub fn rewrite(path: &str) -> Result<Self, PatternError> {
        Self::compile("", path)
    }

    /// The pattern of a server name, without its `~`. nginx compares it with the host in lower case, so case is ignored here
    /// (`ngx_http_core_server_name`).
    ///
    /// # Errors
    /// When PCRE2 refuses it.
    pub fn server_name(regex: &str) -> Result<Self, PatternError> {
        Self::compile("", regex)
    }

    fn compile(before: &str, path: &str) -> Result<Self, PatternError> {
        if path.len() > MAX_PATTERN {
            return Err(PatternError::TooLong);
        }
        let pattern = format!("{LIMITS}{before}{path}");
        let built = RegexBuilder::new().caseless(true).build(&pattern);
        built.map(Self).map_err(|error| PatternError::Invalid(reason(&error.to_string())))
    }

    /// Returns whether it matches.
    ///
    /// # Errors
    /// If the budget is exceeded or PCRE2 gives up.
    pub fn is_match(&self, uri: &[u8], budget: &Budget) -> Result<bool, BudgetExceeded> {
        budget.spend(MATCH)?;
        self.0.is_match(uri).map_err(|_| given_up(budget))
    }

    /// Returns whether PCRE2 gives this match up.
    ///
    /// # Errors
    /// If the budget is exceeded.
    pub fn runs_away(&self, uri: &[u8], budget: &Budget) -> Result<bool, BudgetExceeded> {
        budget.spend(GIVEN_UP)?;
        Ok(self.0.is_match(uri).is_err())
    }

    /// Returns the captures; `None`: it does not match.
    ///
    /// # Errors
    /// If the budget is exceeded or PCRE2 gives up.
    pub fn captures<'s>(&self, uri: &'s [u8], budget: &Budget) -> Result<Option<Captures<'s>>, BudgetExceeded> {
        budget.spend(MATCH)?;
        self.0.captures(uri).map_err(|_| given_up(budget))
    }

    /// Returns the number of groups without the whole match.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }

    /// Returns the names of the named groups.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.capture_names().iter().flatten().map(String::as_str)
    }
}

/// Charges a match that PCRE2 gave up: its result is unknown.
fn given_up(budget: &Budget) -> BudgetExceeded {
    let _ = budget.spend(GIVEN_UP);
    BudgetExceeded
}

/// PCRE2's own words without ours around them.
fn reason(text: &str) -> String {
    let text = text.rsplit_once(": ").map_or(text, |(_, reason)| reason);
    text.trim().to_owned()
}

/// Returns the literal prefix of every URI that a regex matches, without parsing the regex: a cheap filter before it is
/// compiled.
#[must_use]
pub fn literal_prefix(path: &str) -> &str {
    if alternatives_at_the_top(path) {
        // Only the first alternative is bound to what is before it.
        return "";
    }
    let literal = |c: char| c.is_ascii_alphanumeric() || "/-_~%,;=@:&!'".contains(c);
    match path.find(|c| !literal(c)) {
        None => path,
        // An optional or repeated character ends the prefix.
        Some(end) if matches!(path.as_bytes()[end], b'?' | b'*' | b'{') => &path[..end.saturating_sub(1)],
        Some(end) => &path[..end],
    }
}

/// Whether `|` divides the whole pattern, not only a group of it. Where that is hard to see: yes.
#[must_use]
pub fn alternatives_at_the_top(path: &str) -> bool {
    let mut depth = 0_usize;
    let mut in_class = false;
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            _ if in_class => {}
            '(' => depth += 1,
            ')' if depth == 0 => return path.contains('|'),
            ')' => depth -= 1,
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    (depth > 0 || in_class) && path.contains('|')
}

/// Whether a path is meant as a pattern beyond doubt. `/odata/$metadata`, `/c++/docs`, `/v1.2` and `/wiki/Foo_(bar)`
/// are not.
#[must_use]
pub fn is_plainly_regex(path: &str) -> bool {
    const MARKS: [&str; 7] = [".*", ".+", "(/|$)", "(?", "\\d", "\\w", "\\s"];
    // Most paths hold none of what those begin with.
    path.contains(['.', '(', '\\', '[', '{'])
        && (MARKS.iter().any(|mark| path.contains(mark)) || has_class_range(path) || has_quantifier(path))
}

/// `[a-z]`, `[0-9]`: a range between brackets.
fn has_class_range(path: &str) -> bool {
    path.split('[').skip(1).filter_map(|rest| rest.split_once(']')).any(|(class, _)| {
        class
            .as_bytes()
            .windows(3)
            .any(|w| matches!(w, [a, b'-', b] if a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric()))
    })
}

/// `{3}`, `{1,}`, `{2,5}`.
fn has_quantifier(path: &str) -> bool {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).any(|(count, _)| {
        count.starts_with(|c: char| c.is_ascii_digit()) && count.chars().all(|c| c.is_ascii_digit() || c == ',')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pcre2_counts_the_groups() {
        for (path, count) in [
            ("/api(/|$)(.*)", 2),
            ("/api", 0),
            ("/(?:a|b)/(.*)", 1),
            ("/(?<rest>.*)", 1),
            ("/(?|(a)|(b))", 1),
            (r"/\(x\)", 0),
            ("/[(]", 0),
        ] {
            assert_eq!(Pattern::location(path).unwrap().groups(), count, "{path}");
        }
        for path in ["/api(/", "/(?<!v+)x", "/a[", "/a{1"] {
            let invalid = matches!(Pattern::location(path), Err(PatternError::Invalid(_)));
            assert_eq!(invalid, path != "/a{1", "{path}");
        }
        assert_eq!(Pattern::location(&"(".repeat(5000)).unwrap_err(), PatternError::TooLong);
    }

    #[test]
    fn a_pattern_that_takes_too_long_is_given_up() {
        let evil = Pattern::location("/(a+)+$").unwrap();
        let budget = Budget::default();
        let runaway = format!("/{}b", "a".repeat(60));
        assert_eq!(evil.is_match(runaway.as_bytes(), &budget), Err(BudgetExceeded));
        assert_eq!(evil.runs_away(runaway.as_bytes(), &budget), Ok(true));
        assert_eq!(evil.is_match(b"/aaa", &budget), Ok(true), "the next match has its own limit");
    }

    #[test]
    fn every_match_begins_with_the_literal_prefix() {
        for (path, prefix) in [
            ("/api(/|$)(.*)", "/api"),
            ("/api[|]x", "/api"),
            (r"/a\|b", "/a"),
            ("/api/(.*)", "/api/"),
            ("/api/?(.*)", "/api"),
            ("/ab*", "/a"),
            ("/v1.2", "/v1"),
            ("/a|/b", ""),
            (r"/a\d", "/a"),
            ("/plain", "/plain"),
        ] {
            assert_eq!(literal_prefix(path), prefix, "{path}");
        }
    }

    #[test]
    fn only_the_unmistakable_is_a_regex() {
        for path in ["/api(/|$)(.*)", "/a.*", "/id/[0-9]+", "/x{3}", r"/\d+", "/(?<n>x)"] {
            assert!(is_plainly_regex(path), "{path}");
        }
        for path in ["/odata/$metadata", "/c++/docs", "/v1.2", "/wiki/Foo_(bar)", "/a[1]", "/{id}", "/"] {
            assert!(!is_plainly_regex(path), "{path}");
        }
    }
}
