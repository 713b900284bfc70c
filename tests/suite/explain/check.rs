//! The pages of checks as `explain CODE` prints them.

use ingress_guard::checks::{self, Check, Release};
use ingress_guard::explain::{Style, explain_check};
use ingress_guard::finding::{Level, Levels};
use ingress_guard::model::Kinds;

/// Every element that pages have.
const PAGE: &str = "# IG999 test-fault\n\nA `path` is wrong.\n\nLevel: warn\n\n## Fix\n\nWrite `a b` in the place of **it**,\nas \
    [the manual](https://example.com/manual) and [IG101](../x.md)\nsay:\n\n```yaml\nspec:\n\n  path: /\n```\n\n## Why\n\n- one `item`\n- \
    another, which is longer than the line is wide\n\n| what | then |\n|---|---|\n| a | b, c |\n\n## Reported\n\n```yaml shared\na: b\n```\n\n\
    ```yaml\nc: d\n```\n\n```text\nwarn\n```\n\n## Not reported\n\n```yaml alone\ne: f\n```\n\n## See also\n\n<https://example.com/>\n";

static CHECK: Check = Check {
    code: "IG999",
    name: "test-fault",
    summary: "",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: checks::Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: PAGE,
    run: |_, _| (),
};

#[test]
fn the_fix_and_the_reason_come_first_and_examples_are_counted() {
    let wanted = "\
IG999 test-fault

A `path` is wrong.

Level: warn

Fix
  Write `a b` in the place of it, as the
  manual (https://example.com/manual)
  and IG101 say:

    spec:

      path: /

Why
  - one `item`
  - another, which is longer than the
    line is wide

  what: then
  - a: b, c

… 2 examples: ingress-guard explain IG999 --examples

See also
  https://example.com/
";
    assert_eq!(explain_check(&CHECK, false, Style::Plain, 40), wanted);
}

#[test]
fn the_whole_page_shows_its_examples() {
    let text = explain_check(&CHECK, true, Style::Plain, 40);
    assert!(
        text.contains("\nReported\n    a: b\n\n    c: d\n\n    warn\n\nNot reported\n    e: f\n\nSee also\n"),
        "{text}"
    );
}

#[test]
fn a_terminal_shows_colours_in_the_place_of_markup() {
    let text = explain_check(&CHECK, false, Style::Terminal, 40);
    assert!(text.starts_with("\u{1b}[1mIG999 test-fault\u{1b}[0m\n"), "{text:?}");
    assert!(text.contains("A \u{1b}[36mpath\u{1b}[0m is wrong.\n"), "{text:?}");
    assert!(!text.contains('`'), "{text:?}");
    // Escape sequences do not count as characters of a line.
    let (mut plain, mut rest) = (String::new(), text.as_str());
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    let wanted = explain_check(&CHECK, false, Style::Plain, 40);
    assert_eq!(
        plain.split_whitespace().collect::<String>(),
        wanted.replace('`', "").split_whitespace().collect::<String>()
    );
}

#[test]
fn every_page_fits_its_width_and_keeps_its_outputs() {
    for check in checks::ALL {
        let text = explain_check(check, false, Style::Plain, 80);
        // Blocks keep their lines, however long.
        let long = text.lines().find(|line| line.chars().count() > 80 && !check.page.contains(line.trim_start()));
        assert_eq!(long, None, "{}", check.code);
        for heading in ["\nFix\n", "\nWhy\n", "\nSee also\n"] {
            assert!(text.contains(heading), "{}: {text}", check.code);
        }
        let whole = explain_check(check, true, Style::Plain, 80);
        for line in check.page.lines().filter(|line| line.contains(&format!("[{}] ", check.code))) {
            assert!(whole.contains(line) && !text.contains(line), "{}: {line}", check.code);
        }
    }
}
