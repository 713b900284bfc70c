//! Sample requests that a path is certainly intended to match. Checks evaluate them, and name them in messages.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::pattern::{Pattern, PatternError, is_plainly_regex};
use crate::budget::{Budget, BudgetExceeded};
use crate::model::{Host, PathRef, PathType};

/// The longest sample, in bytes.
const LONGEST: usize = 200;

/// Returns a host name that a rule's host covers.
#[must_use]
pub fn sample_host(host: &Host) -> String {
    match host {
        Host::Any => "any.invalid".to_owned(),
        Host::Exact(name) => name.to_string(),
        Host::Wildcard(parent) => format!("any.{parent}"),
    }
}

/// Returns requests that a path is certainly intended to match; none for a regex from which no sample can be derived.
#[must_use]
pub fn path_samples(at: PathRef<'_>) -> Vec<String> {
    let text = at.path.routed();
    if is_plainly_regex(text) {
        return pattern_samples(text, &Budget::default()).unwrap_or_default();
    }
    plain_samples(text, at.path.path_type)
}

/// Returns requests for a literal path: the path itself, and for `Prefix` one below it.
#[must_use]
pub fn plain_samples(path: &str, path_type: PathType) -> Vec<String> {
    let below = (path_type != PathType::Exact).then(|| format!("{}/x", path.trim_end_matches('/')));
    std::iter::once(path.to_owned()).chain(below).collect()
}

/// Returns requests that a regex matches completely: a short one and longer ones. None if no sample can be derived from the
/// regex.
///
/// # Errors
/// When path matching exceeds its budget.
pub fn pattern_samples(path: &str, budget: &Budget) -> Result<Vec<String>, BudgetExceeded> {
    budget.spend(parsing(path))?;
    let Some(hir) = parsed(path) else { return Ok(Vec::new()) };
    let pattern = match Pattern::location(path, budget) {
        Ok(pattern) => pattern,
        Err(PatternError::TooCostly) => return Err(BudgetExceeded),
        Err(PatternError::Invalid { .. } | PatternError::TooLong) => return Ok(Vec::new()),
    };
    let mut samples: Vec<String> = Vec::new();
    for sample in texts(&hir) {
        // A browser sends such a path unchanged.
        let is_path = sample.starts_with('/')
            && !sample.contains("//")
            && sample.bytes().all(|byte| byte.is_ascii_graphic() && !b"%?#\\".contains(&byte));
        if is_path && !samples.contains(&sample) && pattern.is_match(sample.as_bytes(), budget)? {
            samples.push(sample);
        }
    }
    Ok(samples)
}

/// Returns texts that a regex matches, as far as its syntax shows: a short one and longer ones.
pub(crate) fn texts(hir: &Hir) -> impl Iterator<Item = String> {
    [0, 1, 2].into_iter().filter_map(|times| {
        let mut text = Vec::new();
        write(hir, times, &mut text).then(|| String::from_utf8(text).ok())?
    })
}

/// Returns whether an unbounded repetition is inside another one: `(a+)+`.
#[must_use]
pub fn nests_repetitions(path: &str) -> bool {
    fn nests(hir: &Hir, inside: bool) -> bool {
        match hir.kind() {
            HirKind::Repetition(it) if it.max.is_none() => inside || nests(&it.sub, true),
            HirKind::Repetition(it) => nests(&it.sub, inside),
            HirKind::Capture(it) => nests(&it.sub, inside),
            HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(|part| nests(part, inside)),
            HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => false,
        }
    }
    parsed(path).is_some_and(|hir| nests(&hir, false))
}

/// Returns a request on which PCRE2 reaches its match limit with this regex, if a few likely ones contain such.
///
/// # Errors
/// When path matching exceeds its budget.
pub fn runaway(path: &str, budget: &Budget) -> Result<Option<Vec<u8>>, BudgetExceeded> {
    budget.spend(parsing(path))?;
    let Some(hir) = parsed(path) else { return Ok(None) };
    let pattern = match Pattern::location(path, budget) {
        Ok(pattern) => pattern,
        Err(PatternError::TooCostly) => return Err(BudgetExceeded),
        Err(PatternError::Invalid { .. } | PatternError::TooLong) => return Ok(None),
    };
    let mut attack = Vec::new();
    if !write(&hir, 30, &mut attack) && attack.is_empty() {
        return Ok(None);
    }
    // What cannot match at the end makes it try every way to divide what is before. Without the last character of the
    // pattern PCRE2 would not even begin.
    let last = path.bytes().rfind(u8::is_ascii_alphanumeric).unwrap_or(b'!');
    attack.extend([1, last]);
    Ok(pattern.runs_away(&attack, budget)?.then_some(attack))
}

/// The steps of parsing a regex and writing samples of it.
pub(crate) fn parsing(path: &str) -> u32 {
    u32::try_from(100 + 10 * path.len()).unwrap_or(u32::MAX)
}

fn parsed(path: &str) -> Option<Hir> {
    ParserBuilder::new().utf8(false).unicode(false).nest_limit(50).build().parse(path).ok()
}

/// Writes a text that `hir` matches, with `times` repetitions; returns false if there is none.
fn write(hir: &Hir, times: u32, sample: &mut Vec<u8>) -> bool {
    if sample.len() > LONGEST {
        return false;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            sample.extend_from_slice(&literal.0);
            true
        }
        HirKind::Class(class) => match typical(class) {
            Some(byte) => {
                sample.push(byte);
                true
            }
            None => false,
        },
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            (0..times.clamp(repetition.min, most)).all(|_| write(&repetition.sub, times, sample))
        }
        HirKind::Capture(capture) => write(&capture.sub, times, sample),
        HirKind::Concat(parts) => parts.iter().all(|part| write(part, times, sample)),
        // `(/|$)`: the short sample ends here, the longer one goes on.
        HirKind::Alternation(choices) => {
            let choice = if times == 0 { choices.last() } else { choices.first() };
            choice.is_some_and(|choice| write(choice, times, sample))
        }
    }
}

/// Returns a character of a class: a letter or digit if it has one.
fn typical(class: &Class) -> Option<u8> {
    let ranges: Vec<(u8, u8)> = match class {
        Class::Bytes(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Unicode(class) => {
            let ascii = class.ranges().iter().filter(|range| range.start().is_ascii());
            ascii
                .map(|range| (range.start() as u8, if range.end().is_ascii() { range.end() as u8 } else { 127 }))
                .collect()
        }
    };
    let has = |byte: u8| ranges.iter().any(|(start, end)| (*start..=*end).contains(&byte));
    let letters = b"x1A/".iter().copied();
    letters.chain(b'a'..=b'z').chain(b'0'..=b'9').chain(b'A'..=b'Z').chain(0x21..0x7f).find(|byte| has(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_match_their_pattern() {
        for (path, samples) in [
            ("/api(/|$)(.*)", &["/api", "/api/x", "/api/xx"][..]),
            ("/api/.*", &["/api/", "/api/x", "/api/xx"]),
            ("/id/[0-9]{3}$", &["/id/111"]),
            ("/plain", &["/plain"]),
            ("/v1.2", &["/v1x2"]),
            ("/(abc|de)/c", &["/de/c", "/abc/c"]),
            ("/(?!x)y", &[]),
            ("/a(", &[]),
        ] {
            assert_eq!(pattern_samples(path, &Budget::default()).unwrap(), samples, "{path}");
        }
        assert_eq!(plain_samples("/a", PathType::Prefix), ["/a", "/a/x"]);
        assert_eq!(plain_samples("/", PathType::Prefix), ["/", "/x"]);
        assert_eq!(plain_samples("/a", PathType::Exact), ["/a"]);
    }
}
