//! Suggestions for a misspelt name.

/// The longest name for which a suggestion is searched, in bytes: the search takes time proportional to its square.
const MAX_LENGTH: usize = 64;

/// Returns the name that `wanted` most likely means, ignoring case: the one with the fewest edits, at most 2 (1 if
/// `wanted` has fewer than 6 characters). Of equals, the first in alphabetical order.
#[must_use]
pub fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let names = names.into_iter().filter_map(|name| Some((edits(wanted, name)?, name)));
    names.min().map(|(_, name)| name)
}

/// Returns `did you mean "name"?` for the name that `wanted` most likely means.
#[must_use]
pub fn did_you_mean<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(wanted, names).map(|name| format!("did you mean {name:?}?"))
}

/// Returns the number of edits between two texts, ignoring case; `None` if they are too many for a misspelling.
#[must_use]
pub fn edits(wanted: &str, name: &str) -> Option<usize> {
    let max = max_edits(wanted);
    // A character has at most 4 bytes; names are mostly ASCII, so the length alone excludes most of them.
    if wanted.len() > MAX_LENGTH || name.len().abs_diff(wanted.len()) > 4 * max {
        return None;
    }
    let (wanted, name) = (wanted.to_lowercase(), name.to_lowercase());
    // Each edit adds or removes at most one character.
    if wanted.chars().count().abs_diff(name.chars().count()) > max {
        return None;
    }
    let edits = strsim::damerau_levenshtein(&wanted, &name);
    (edits <= max).then_some(edits)
}

/// The edits (insertions, deletions, substitutions and transpositions) of a misspelling: 2, and 1 in a name of fewer than 6
/// characters. With 3, every other host of a domain is alike: `app.example.com` and `old.example.com`.
fn max_edits(wanted: &str) -> usize {
    if wanted.chars().count() < 6 { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_has_few_edits() {
        for (wanted, name) in [
            ("ngnix", Some("nginx")),
            ("WEB", Some("web")),
            ("wob", Some("web")),
            ("wxx", None),
            ("storefornt", Some("storefront")),
            ("other", None),
            ("storxxxont", None),
        ] {
            assert_eq!(nearest(wanted, ["nginx", "storefront", "web"]), name, "{wanted}");
        }
        let long = "a".repeat(65);
        assert_eq!(nearest(&long, [&*long]), None);
    }
}
