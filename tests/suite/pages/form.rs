//! The form of check pages: headings, facts, length, links.

use std::path::Path;

use ingress_guard::checks;

use super::{Part, page_path, parse, reported};

/// The line that [`checks::Check::facts`] generates begins with this.
const FACTS: &str = "Level: ";

/// Puts the facts line at the end of the introduction; replaces an outdated one.
pub(super) fn with_facts(front: &str, facts: &str) -> String {
    let (introduction, rest) = front.split_once("\n## ").expect("a page has headings");
    let paragraphs = introduction.trim_end().split("\n\n").filter(|paragraph| !paragraph.starts_with(FACTS));
    format!("{}\n\n{facts}\n\n## {rest}", paragraphs.collect::<Vec<_>>().join("\n\n"))
}

#[test]
fn pages_have_their_headings() {
    for check in checks::ALL {
        let title = format!("# {} {}\n", check.code, check.name);
        assert!(check.page.starts_with(&title), "{}: the page has the title {title:?}", check.code);
        let headings: Vec<_> = check.page.lines().filter(|line| line.starts_with("## ")).collect();
        let wanted = ["## Fix", "## Why", "## Reported", "## Not reported", "## See also"];
        assert_eq!(headings, wanted, "{}", check.code);
    }
}

/// `ingress-guard explain` prints these sections on one screen.
#[test]
fn fix_and_why_are_short() {
    for check in checks::ALL {
        let start = check.page.find("\n## Fix\n").unwrap();
        let end = check.page.len() - reported(check.page).len();
        let lines = check.page[start..end].trim().lines().count();
        assert!(lines <= 25, "{}: Fix and Why have {lines} lines, more than 25", check.code);
    }
}

#[test]
fn only_the_fix_shows_yaml_before_the_examples() {
    for check in checks::ALL {
        let fix = check.page.find("\n## Fix\n").unwrap();
        let why = check.page.find("\n## Why\n").unwrap();
        let end = check.page.len() - reported(check.page).len();
        for section in [&check.page[..fix], &check.page[why..end]] {
            assert!(!section.contains("```"), "{}: a block outside Fix before the examples", check.code);
        }
    }
}

#[test]
fn shared_objects_stand_once_and_before_the_examples() {
    for check in checks::ALL {
        let parts = parse(reported(check.page));
        let blocks: Vec<_> =
            parts.iter().filter_map(|part| if let Part::Fence(block) = part { Some(block) } else { None }).collect();
        let Some(shared) = blocks.iter().position(|block| block.info == "yaml shared") else { continue };
        // Renderers of Markdown do not show the word "shared" of the block.
        let start = "\n## Reported\n\nThe examples share these objects:\n\n```yaml shared\n";
        assert!(check.page.contains(start), "{}: the page does not mention that the block is shared", check.code);
        assert_eq!(shared, 0, "{}: the shared block is the first block below Reported, and the only one", check.code);
        let shared = super::documents(&blocks[0].text);
        for block in blocks[1..].iter().filter(|block| block.info == "yaml") {
            let repeated = super::documents(&block.text).into_iter().find(|document| shared.contains(document));
            assert_eq!(repeated, None, "{}: an example repeats a shared object", check.code);
        }
        assert!(blocks[1..].iter().all(|block| block.info != "yaml shared"), "{}: two shared blocks", check.code);
    }
}

#[test]
fn blocks_have_a_known_purpose() {
    for check in checks::ALL {
        for part in parse(reported(check.page)) {
            let Part::Fence(block) = part else { continue };
            let known = ["yaml", "yaml alone", "yaml config", "yaml delete", "yaml shared", "yaml update", "text"];
            assert!(known.contains(&block.info.as_str()), "{}: a block of {:?}", check.code, block.info);
        }
    }
}

#[test]
fn links_to_files_lead_somewhere() {
    for check in checks::ALL {
        let folder = page_path(check);
        let folder = folder.parent().unwrap_or(Path::new("."));
        for target in check.page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target) {
            if !target.contains("://") {
                assert!(folder.join(target).exists(), "{}: {target} does not exist", check.code);
            }
        }
    }
}
