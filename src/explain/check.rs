//! The reference page of a check on a terminal: the fix and the reason first, the examples on request.

use super::Style;
use super::markdown::render;
use crate::checks::Check;

/// Renders the page of a check, at most `width` characters wide. Without `examples` their number and the command that prints
/// them take their place.
#[must_use]
pub fn explain_check(check: &Check, examples: bool, style: Style, width: usize) -> String {
    let sections = check.page.split_once("\n## Reported\n");
    let sections = sections.and_then(|(front, rest)| Some((front, rest.split_once("\n## See also\n")?)));
    let Some((front, (skipped, see_also))) = sections.filter(|_| !examples) else {
        return render(check.page, style, width);
    };
    let more = match skipped.lines().filter(|line| matches!(*line, "```yaml" | "```yaml alone")).count() {
        0 => String::new(),
        1 => format!("… 1 example: ingress-guard explain {} --examples\n\n", check.code),
        count => format!("… {count} examples: ingress-guard explain {} --examples\n\n", check.code),
    };
    let see_also = format!("## See also\n{see_also}");
    format!("{}\n{more}{}", render(front, style, width), render(&see_also, style, width))
}
