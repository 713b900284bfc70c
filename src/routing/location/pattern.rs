//! Paths as regexes: compiled with PCRE2 within a budget, read as PCRE1 does, and recognised by their syntax.

use std::borrow::Cow;

use pcre2::bytes::{Captures, Regex, RegexBuilder};

use super::pattern_costs::PatternCosts;
use crate::budget::{Budget, BudgetExceeded};

/// The longest path that PCRE2 compiles here, in bytes. The longest parameter that nginx reads is shorter.
const MAX_PATTERN: usize = 4096;

/// The steps of PCRE2 (its match limit) that nearly every match needs at most, and those after which a match is given up.
const QUICK: u32 = 32;
const THOROUGH: u32 = 2000;

/// A path as nginx compiles it: without case, not as UTF-8 (section 2.6). A match is tried with few steps first: a budget is
/// charged for the worst case, because PCRE2 does not count for us and cannot be interrupted.
#[derive(Debug)]
pub struct Pattern {
    quick: Regex,
    /// The path, with what is put before it.
    text: String,
    costs: PatternCosts,
}

/// The reason why a path cannot be compiled as a regex.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// PCRE2 refuses it for this reason. `in_both` is true if PCRE1 certainly refuses it too.
    #[error("{reason}")]
    Invalid {
        /// The reason in the words of PCRE2.
        reason: String,
        /// Whether the two libraries agree.
        in_both: bool,
    },
    /// Too long to compile.
    #[error("too long to look at")]
    TooLong,
    /// The budget does not suffice to compile it.
    #[error("too costly to compile")]
    TooCostly,
}

impl Pattern {
    /// The pattern of a location: `~* "^path"`, written so that nginx reads the path as it is (section 2.6).
    ///
    /// # Errors
    /// When PCRE2 refuses it, or the budget is exceeded.
    pub fn location(path: &str, budget: &Budget) -> Result<Self, PatternError> {
        let is_anchored = !alternatives_at_the_top(path);
        Self::new(format!("^{path}"), PatternCosts::of(path, is_anchored), budget)
    }

    /// The pattern of a rewrite: `"(?i)path"`, which is not tied to the beginning (section 3.1).
    ///
    /// # Errors
    /// When PCRE2 refuses it, or the budget is exceeded.
    pub fn rewrite(path: &str, budget: &Budget) -> Result<Self, PatternError> {
        // The location matches at the beginning already, so the leftmost match is there. Alternatives may match elsewhere.
        let is_anchored = !alternatives_at_the_top(path);
        let text = if is_anchored { format!("^(?:{path})") } else { path.to_owned() };
        Self::new(text, PatternCosts::of(path, is_anchored), budget)
    }

    /// The pattern of a server name, without its `~`. nginx compares it with the host in lower case, so case is ignored here
    /// (`ngx_http_core_server_name`).
    ///
    /// # Errors
    /// When PCRE2 refuses it, or the budget is exceeded.
    pub fn server_name(regex: &str, budget: &Budget) -> Result<Self, PatternError> {
        let is_anchored = regex.starts_with('^') && !alternatives_at_the_top(regex);
        Self::new(regex.to_owned(), PatternCosts::of(regex, is_anchored), budget)
    }

    fn new(text: String, costs: PatternCosts, budget: &Budget) -> Result<Self, PatternError> {
        if text.len() > MAX_PATTERN {
            return Err(PatternError::TooLong);
        }
        budget.spend(costs.compile()).map_err(|BudgetExceeded| PatternError::TooCostly)?;
        let quick = compile(&text, QUICK)?;
        Ok(Self { quick, text, costs })
    }

    /// Returns whether it matches.
    ///
    /// # Errors
    /// If the budget is exceeded or PCRE2 gives up.
    pub fn is_match(&self, uri: &[u8], budget: &Budget) -> Result<bool, BudgetExceeded> {
        budget.spend(self.costs.one_match(QUICK, uri))?;
        match self.quick.is_match(uri) {
            Ok(is_match) => Ok(is_match),
            Err(_) => self.thorough(uri, budget)?.is_match(uri).map_err(|_| BudgetExceeded),
        }
    }

    /// Returns whether PCRE2 gives this match up.
    ///
    /// # Errors
    /// If the budget is exceeded.
    pub fn runs_away(&self, uri: &[u8], budget: &Budget) -> Result<bool, BudgetExceeded> {
        Ok(self.thorough(uri, budget)?.is_match(uri).is_err())
    }

    /// Returns the captures; `None`: it does not match.
    ///
    /// # Errors
    /// If the budget is exceeded or PCRE2 gives up.
    pub fn captures<'s>(&self, uri: &'s [u8], budget: &Budget) -> Result<Option<Captures<'s>>, BudgetExceeded> {
        budget.spend(self.costs.one_match(QUICK, uri))?;
        match self.quick.captures(uri) {
            Ok(captures) => Ok(captures),
            Err(_) => self.thorough(uri, budget)?.captures(uri).map_err(|_| BudgetExceeded),
        }
    }

    /// Compiles the pattern again for one match with more steps.
    fn thorough(&self, uri: &[u8], budget: &Budget) -> Result<Regex, BudgetExceeded> {
        budget.spend(self.costs.compile().saturating_add(self.costs.one_match(THOROUGH, uri)))?;
        compile(&self.text, THOROUGH).map_err(|_| BudgetExceeded)
    }

    /// Returns the number of groups without the whole match.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.quick.captures_len() - 1
    }

    /// Returns the names of the named groups.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.quick.capture_names().iter().flatten().map(String::as_str)
    }
}

/// Compiles a pattern as PCRE1 reads it, with which the image of ingress-nginx is built (section 2.8, B4).
fn compile(text: &str, limit: u32) -> Result<Regex, PatternError> {
    let text = literal_braces(text);
    compile_exactly(&text, limit).or_else(|error| {
        let literal = literal_escapes(&text);
        literal.and_then(|literal| compile_exactly(&literal, limit).ok()).ok_or(error)
    })
}

fn compile_exactly(text: &str, limit: u32) -> Result<Regex, PatternError> {
    // Possessive repetition is an optimisation; finding it can take a thousand times as long as the rest.
    let pattern = format!("(*NO_AUTO_POSSESS)(*LIMIT_MATCH={limit})(*LIMIT_DEPTH=1000)(*LIMIT_HEAP=1024){text}");
    let built = RegexBuilder::new().caseless(true).build(&pattern);
    built.map_err(|error| PatternError::Invalid {
        reason: reason(&error.to_string()),
        in_both: INVALID_IN_BOTH.contains(&error.code()),
    })
}

/// The error codes of PCRE2 for patterns that PCRE1 refuses too: an escape, a quantifier, a class, a parenthesis or the name of
/// a group that is not complete, a reference to no group, and numbers that are too large.
const INVALID_IN_BOTH: [i32; 26] = [
    101, 102, 104, 105, 106, 108, 109, 111, 112, 113, 114, 115, 118, 122, 124, 126, 127, 130, 134, 137, 141, 142, 143,
    144, 162, 177,
];

/// Escapes the brace of `{,3}`, which is text to PCRE1 and to PCRE2 before 10.43.
fn literal_braces(text: &str) -> Cow<'_, str> {
    if !text.contains("{,") || text.contains("\\Q") {
        return Cow::Borrowed(text);
    }
    let mut literal = String::with_capacity(text.len() + 8);
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        if character == '{' && !is_escaped && text[at..].starts_with("{,") {
            literal.push('\\');
        }
        is_escaped = character == '\\' && !is_escaped;
        literal.push(character);
    }
    Cow::Owned(literal)
}

/// Removes the backslash before letters and digits that it does not give a meaning: `\j` is `j` to PCRE1. `None`: there is none.
fn literal_escapes(text: &str) -> Option<String> {
    const WITHOUT_MEANING: &str = "ijmqyIJMOTY89";
    let mut literal = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match characters.as_str().chars().next().filter(|_| character == '\\') {
            Some(next) => {
                characters.next();
                if !WITHOUT_MEANING.contains(next) {
                    literal.push(character);
                }
                literal.push(next);
            }
            None => literal.push(character),
        }
    }
    (literal.len() < text.len()).then_some(literal)
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

/// Groups that match a slash or nothing.
pub const SLASH_GROUPS: [&str; 4] = ["(/|$)", "($|/)", "(/?)", "(/)?"];

/// Returns whether a regex requires a second slash at the start, or the end: nginx merges slashes, so no request but `/`
/// matches (section 2.7).
#[must_use]
pub fn matches_only_root(path: &str) -> bool {
    let is_end = |rest: &str| ["", "(.*)", ".*"].contains(&rest.strip_suffix('$').unwrap_or(rest));
    ["/(/|$)", "/($|/)", "/(?:/|$)", "/(?:$|/)"].iter().any(|start| path.strip_prefix(start).is_some_and(is_end))
}

/// Whether `|` divides the whole pattern, not only a group of it. Where that is hard to see: yes.
#[must_use]
pub fn alternatives_at_the_top(path: &str) -> bool {
    // Brackets in quotations, comments, verbs and callouts, and after `\c`, are none.
    const HARD: [&str; 5] = ["\\Q", "(?#", "(*", "(?C", "\\c"];
    if !path.contains('|') {
        return false;
    }
    if HARD.iter().any(|hard| path.contains(hard)) {
        return true;
    }
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
            ')' | '|' if depth == 0 => return true,
            ')' => depth -= 1,
            _ => {}
        }
    }
    depth > 0 || in_class
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
            assert_eq!(Pattern::location(path, &Budget::default()).unwrap().groups(), count, "{path}");
        }
        for path in ["/api(/", "/(?<!v+)x", "/a[", "/a{1"] {
            let invalid = matches!(Pattern::location(path, &Budget::default()), Err(PatternError::Invalid { .. }));
            assert_eq!(invalid, path != "/a{1", "{path}");
        }
        assert_eq!(Pattern::location(&"(".repeat(5000), &Budget::default()).unwrap_err(), PatternError::TooLong);
    }

    #[test]
    fn patterns_are_read_as_pcre1_reads_them() {
        let matches = |path: &str, uri: &str| {
            Pattern::location(path, &Budget::default()).unwrap().is_match(uri.as_bytes(), &Budget::default())
                == Ok(true)
        };
        assert!(matches(r"/foo\j", "/fooj") && matches(r"/\8", "/8") && matches(r"/\d\y", "/1y"));
        assert!(matches("/x{,3}", "/x{,3}") && !matches("/x{,3}", "/xx"));
        assert!(matches(r"/x\{,3}", "/x{,3}") && matches("/x{2,3}", "/xx"));
        let in_both = |path: &str| match Pattern::location(path, &Budget::default()) {
            Err(PatternError::Invalid { in_both, .. }) => Some(in_both),
            _ => None,
        };
        for path in ["/(", "/)", "/[a", r"/foo\", "/*+?+", "/(?<1a>x)", "/a{99999}", r"/\x{110000}", r"/\1"] {
            assert_eq!(in_both(path), Some(true), "{path}");
        }
        assert_eq!(in_both(r"/(?<=a+)b"), Some(false));
    }

    #[test]
    fn a_pattern_that_takes_too_long_is_given_up() {
        let evil = Pattern::location("/(a+)+$", &Budget::default()).unwrap();
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
