//! The documents of a YAML stream.

use std::ops::Range;

/// Returns the byte ranges of the documents of a stream. As for kubectl, a directive (`%YAML 1.1`) is apart from the marker below
/// it, and therefore an error.
pub fn documents(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut starts = markers(text);
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let begin = start?;
        start = starts.next();
        Some(begin..start.unwrap_or(text.len()))
    })
}

/// Returns the byte offset of a directive before the content of a document, such as `%YAML 1.1`.
#[must_use]
pub fn directive(document: &str) -> Option<usize> {
    let mut lines = document.split_inclusive('\n').scan(0, |end, line| {
        let start = *end;
        *end += line.len();
        Some((start, line))
    });
    let first = lines.find(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    first.filter(|(_, line)| line.starts_with('%')).map(|(start, _)| start)
}

/// The byte offsets of the markers of a stream: `---` at the beginning of a line, alone or before a blank.
fn markers(text: &str) -> impl Iterator<Item = usize> {
    let first = text.starts_with("---").then_some(0);
    let lines = first.into_iter().chain(text.match_indices("\n---").map(|(at, _)| at + 1));
    lines.filter(|at| text[at + 3..].chars().next().is_none_or(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_split_at_its_markers() {
        for (stream, parts) in [
            ("", &[""][..]),
            ("a: 1\n", &["a: 1\n"]),
            ("a: 1\n---\nb: 2\n", &["a: 1\n", "---\nb: 2\n"]),
            ("a: |\n  ---\n---b\n", &["a: |\n  ---\n---b\n"]),
            ("%YAML 1.1\n---\na: 1\n--- # second\nb: 2", &["%YAML 1.1\n", "---\na: 1\n", "--- # second\nb: 2"]),
        ] {
            let found: Vec<&str> = documents(stream)
                .map(|bytes| &stream[bytes])
                .filter(|part| !part.is_empty() || stream.is_empty())
                .collect();
            assert_eq!(found, parts, "{stream:?}");
        }
    }
}
