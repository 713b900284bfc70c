//! Lists of codes in messages.

/// Joins the codes that are marked: `IG201, IG301 to IG304`. A range contains every code of the list between its ends.
#[must_use]
pub(crate) fn ranges(codes: &[(&str, bool)]) -> String {
    let runs = codes.chunk_by(|a, b| a.1 == b.1).filter(|run| run[0].1);
    let ranges = runs.map(|run| match run {
        [first, _, .., last] => format!("{} to {}", first.0, last.0),
        few => few.iter().map(|(code, _)| *code).collect::<Vec<_>>().join(", "),
    });
    ranges.collect::<Vec<_>>().join(", ")
}
