//! `console` blocks of the documents: a line `$ command`, then its output. A last line that ends with `…` shortens the
//! output. The first word of a block selects the runner. `UPDATE_PAGES=1` writes the outputs.

use std::path::{Path, PathBuf};

/// Lines of a new output that are kept before `…` alone.
const SHOWN: usize = 12;

/// The documents with `console` blocks: README.md and docs.
pub(crate) fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    found.push(root.join("README.md"));
    found.sort();
    found
}

/// Runs the blocks of a document whose first word is one of `words`. Returns the number of commands, or the document as it
/// should be if an output differs. With `UPDATE_PAGES` it writes the document instead.
pub(crate) fn verify(path: &Path, words: &[&str], run: impl FnMut(&str) -> String) -> Result<usize, String> {
    let document = std::fs::read_to_string(path).unwrap();
    let (blessed, commands) = blessed(&document, words, run);
    if blessed == document {
        return Ok(commands);
    }
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(path, blessed).unwrap();
        return Ok(commands);
    }
    let differs = |(old, new): &(&str, &str)| old != new;
    let first = document.lines().zip(blessed.lines()).find(differs).unwrap_or_default();
    Err(format!("{}: not what the command prints (make bless):\n- {}\n+ {}", path.display(), first.0, first.1))
}

fn blessed(document: &str, words: &[&str], mut run: impl FnMut(&str) -> String) -> (String, usize) {
    each_block(document, |block| {
        let first = block.strip_prefix("$ ")?.split([' ', '\n']).next()?;
        words.contains(&first).then(|| rerun(block, &mut run))
    })
}

/// Replaces each block for which `rewrite` returns a new text; returns the document and the sum of the commands.
fn each_block(document: &str, mut rewrite: impl FnMut(&str) -> Option<(String, usize)>) -> (String, usize) {
    let (mut text, mut commands) = (String::new(), 0);
    let mut rest = document;
    while let Some(at) = rest.find("```console\n") {
        let (before, block) = rest.split_at(at + "```console\n".len());
        let (block, after) = block.split_at(block.find("\n```").expect("a block has an end") + 1);
        text.push_str(before);
        match rewrite(block) {
            Some((new, count)) => {
                text.push_str(&new);
                commands += count;
            }
            None => text.push_str(block),
        }
        rest = after;
    }
    text.push_str(rest);
    (text, commands)
}

fn rerun(block: &str, run: &mut impl FnMut(&str) -> String) -> (String, usize) {
    let (mut text, mut commands) = (String::new(), 0);
    let mut lines = block.lines().peekable();
    while let Some(line) = lines.next() {
        let mut command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("no command: {line}")).to_owned();
        text.push_str(line);
        text.push('\n');
        while command.ends_with('\\') {
            let more = lines.next().expect("a continued line");
            command.push('\n');
            command.push_str(more);
            text.push_str(more);
            text.push('\n');
        }
        let mut shown = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
            shown.push_str(line);
            shown.push('\n');
        }
        text.push_str(&shortened(&run(&command), &shown));
        commands += 1;
    }
    (text, commands)
}

/// The output, shortened where the document shortens it.
fn shortened(output: &str, shown: &str) -> String {
    let mut whole = output.trim_end_matches('\n').to_owned();
    if !whole.is_empty() {
        whole.push('\n');
    }
    let Some(kept) = shown.strip_suffix("…\n") else { return whole };
    let lines = match kept.lines().count() {
        0 => SHOWN,
        lines => lines,
    };
    let cut_within_a_line = !kept.is_empty() && !kept.ends_with('\n');
    let mut cut: String = whole.split_inclusive('\n').take(lines).collect();
    if cut_within_a_line {
        let length = kept.lines().last().unwrap_or_default().chars().count();
        let start = cut.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
        let last: String = cut[start..].chars().take(length).collect();
        cut.truncate(start);
        return cut + last.trim_end_matches('\n') + "…\n";
    }
    if cut == whole { whole } else { cut + "…\n" }
}
