//! Paths as patterns: what PCRE2 itself makes of them, and which are meant as such.

use pcre2::bytes::RegexBuilder;

/// The longest path that is given to PCRE2, in bytes.
const MAX_PATTERN: usize = 4096;

/// The capture groups of a path, counted by PCRE2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Groups {
    /// A pattern with so many groups, the whole match not counted.
    Count(usize),
    /// PCRE2 refuses it: the controller could not load it.
    Invalid,
    /// Too long to look at.
    TooLong,
}

/// Count the groups of a path as nginx compiles it: anchored at its start, without case, not as UTF-8
/// (section 2.6, `buildLocation`).
#[must_use]
pub fn groups(path: &str) -> Groups {
    if path.len() > MAX_PATTERN {
        return Groups::TooLong;
    }
    match RegexBuilder::new().caseless(true).build(&format!("^{path}")) {
        Ok(pattern) => Groups::Count(pattern.captures_len() - 1),
        Err(_) => Groups::Invalid,
    }
}

/// Whether a path is meant as a pattern beyond doubt. `/odata/$metadata`, `/c++/docs`, `/v1.2` and `/wiki/Foo_(bar)`
/// are not.
#[must_use]
pub fn is_plainly_regex(path: &str) -> bool {
    const MARKS: [&str; 7] = [".*", ".+", "(/|$)", "(?", "\\d", "\\w", "\\s"];
    MARKS.iter().any(|mark| path.contains(mark)) || has_class_range(path) || has_quantifier(path)
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
            ("/api(/|$)(.*)", Groups::Count(2)),
            ("/api", Groups::Count(0)),
            ("/(?:a|b)/(.*)", Groups::Count(1)),
            ("/(?<rest>.*)", Groups::Count(1)),
            ("/(?|(a)|(b))", Groups::Count(1)),
            (r"/\(x\)", Groups::Count(0)),
            ("/[(]", Groups::Count(0)),
            ("/api(/", Groups::Invalid),
            ("/(?<!v+)x", Groups::Invalid),
        ] {
            assert_eq!(groups(path), count, "{path}");
        }
        assert_eq!(groups(&"(".repeat(5000)), Groups::TooLong);
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
