//! The worst cost of a regex in PCRE2, in steps of a [`Budget`](crate::budget::Budget): from measurements of patterns made to be
//! costly, which `make bounds` repeats.

/// What makes a pattern costly.
#[derive(Debug, Clone, Copy)]
pub(super) struct PatternCosts {
    /// Its length in bytes.
    bytes: u64,
    /// Groups: PCRE2 copies their positions in each step of a match.
    groups: u64,
    /// Groups with a mark and escapes: PCRE2 compares each name with all others.
    marks: u64,
    /// The product of its repetition counts: PCRE2 copies what is repeated.
    copies: u64,
    /// PCRE2 tries only the beginning of a text.
    is_anchored: bool,
    /// The number of compilations: escapes may have to be read in another way.
    attempts: u64,
}

/// Nanoseconds of one step.
const STEP: u64 = 25;
/// PCRE2 refuses a pattern whose copies need more than 64 KiB, so more copies do not cost more.
const MOST_COPIES: u64 = 2000;

impl PatternCosts {
    pub(super) fn of(path: &str, is_anchored: bool) -> Self {
        let count = |wanted: u8| path.bytes().filter(|byte| *byte == wanted).count() as u64;
        let marks = path.matches("(?").count() as u64 + count(b'\\');
        let attempts = 1 + u64::from(path.contains('\\'));
        Self { bytes: path.len() as u64, groups: count(b'('), marks, copies: copies(path), is_anchored, attempts }
    }

    /// Returns the steps of one compilation.
    pub(super) fn compile(self) -> u32 {
        steps(self.attempts * (500 + 22 * self.bytes + self.marks * self.marks * 9 / 4 + 25 * self.copies))
    }

    /// Returns the steps of one match with this match limit.
    pub(super) fn one_match(self, limit: u32, uri: &[u8]) -> u32 {
        let length = uri.len() as u64;
        let starts = if self.is_anchored { 1 } else { length + 1 };
        // A step of PCRE2 can read all of the pattern or the text.
        let tries = starts.saturating_mul(u64::from(limit) * (10 + self.bytes + length));
        steps(tries.saturating_add(200 + 400 * self.groups))
    }
}

fn steps(nanoseconds: u64) -> u32 {
    u32::try_from(nanoseconds / STEP).unwrap_or(u32::MAX)
}

/// Returns the product of the repetition counts of a pattern, `{3}` or `{2,5}`, up to [`MOST_COPIES`].
fn copies(path: &str) -> u64 {
    let counts = path.split('{').skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ',' && c != ' ')?;
        rest[..end].split(',').filter_map(|count| count.trim().parse::<u64>().ok()).max()
    });
    counts.fold(0, |product: u64, count| product.max(1).saturating_mul(count.max(1)).min(MOST_COPIES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_counts_multiply() {
        for (path, product) in
            [("/a", 0), ("/a{3}", 3), ("/(a{2,5}){10}", 50), ("/(a{999}){999}", MOST_COPIES), ("/{id}", 0)]
        {
            assert_eq!(copies(path), product, "{path}");
        }
    }
}
