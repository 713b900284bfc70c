//! The language of documents, help, messages, string literals, comments and test names: banned words and constructions,
//! and the length of sentences. CONTRIBUTING.md has the rules.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Command;
use ingress_guard::budget::Allowance;
use ingress_guard::{checks, cli};
use pcre2::bytes::Regex;

use crate::pages::{examples, known};
use crate::registry::files_below;

/// Words and constructions with a standard term.
const BANNED: &str = r"(?ix)
    \b(?: (?:no|some|any|every)body(?:'?s)? | whoever | foretells? | foretold | spare[sd]? | mend(?:s|ed|ing)?
        | judg(?:e[sd]?|ing|ement) | told | in\ vain | anew | house | rooms? | doors? | walls | next\ door | stern | visitors? | accus(?:e[sd]?|ing)
        | (?<!there\ )is\ no(?!\ longer) | fake\ certificate )\b";

/// Maximum number of words in a sentence of a document.
const WORDS: usize = 25;
/// The same in the fact sheet, which lists names and cites tests.
const WORDS_OF_FACTS: usize = 31;

/// A text and the name of its source.
struct Text {
    source: String,
    text: String,
}

impl Text {
    fn new(source: impl Into<String>, text: impl Into<String>) -> Self {
        Self { source: source.into(), text: text.into() }
    }
}

fn banned() -> Regex {
    Regex::new(BANNED).unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn documents() -> Vec<Text> {
    let folders = ["docs", "chart", "deploy", "certs", "src", "tests"];
    let mut paths: Vec<_> = folders.map(|folder| files_below(folder, "md")).concat();
    paths.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(Into::into));
    paths.iter().map(|path| Text::new(path.display().to_string(), read(path))).collect()
}

/// The HTML report and the notes of the chart.
fn templates() -> Vec<Text> {
    let report = ["html", "js", "css"].map(|extension| files_below("src/report/html", extension)).concat();
    let paths = report.into_iter().chain(files_below("chart/templates", "txt"));
    paths.map(|path| Text::new(path.display().to_string(), read(&path))).collect()
}

/// Comments of the files that a platform engineer edits or reads.
fn manifests() -> Vec<Text> {
    let folders = [("chart", "yaml"), ("deploy", "yaml"), ("examples", "yaml")];
    let files = folders.into_iter().flat_map(|(folder, extension)| files_below(folder, extension));
    files.map(|path| Text::new(path.display().to_string(), comments(&read(&path), &["#"]))).collect()
}

/// The comments of a source file, without their markers.
fn comments(source: &str, marks: &[&str]) -> String {
    let line = |line: &str| marks.iter().find_map(|mark| line.trim_start().strip_prefix(mark).map(str::to_owned));
    source.lines().filter_map(line).collect::<Vec<_>>().join("\n")
}

/// The string literals of a source file, one per line.
fn literals(source: &str) -> String {
    let code: Vec<&str> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n").replace(r"\\", "").replace("\\\"", "'").replace("'\"'", "''");
    code.split('"').skip(1).step_by(2).collect::<Vec<_>>().join("\n")
}

/// The names of the tests in a source file, with spaces between the words.
fn test_names(source: &str) -> Vec<String> {
    let tests = ["#[test]", "#[tokio::test"].map(|mark| source.split(mark).skip(1));
    let tests = tests.into_iter().flatten();
    let names = tests.filter_map(|test| test.split_once("fn ")?.1.split_once('('));
    names.map(|(name, _)| name.replace('_', " ")).collect()
}

/// Comments and string literals of the program. Comments of the tests, and their names with spaces between the words.
fn sources() -> Vec<Text> {
    let marks = ["///", "//!", "//"];
    let program = files_below("src", "rs").into_iter().map(|path| {
        let source = read(&path);
        Text::new(path.display().to_string(), comments(&source, &marks) + "\n" + &literals(&source))
    });
    let tests = [files_below("tests", "rs"), files_below("fuzz/src", "rs")].concat().into_iter().map(|path| {
        let source = read(&path);
        let text = test_names(&source).join("\n") + "\n" + &comments(&source, &marks);
        Text::new(path.display().to_string(), text)
    });
    program.chain(tests).collect()
}

/// The help of a command and of the commands below it.
fn help(command: &Command) -> Vec<Text> {
    let name = format!("help of {}", command.get_name());
    let about = [command.get_about(), command.get_long_about()].into_iter().flatten();
    let options = command.get_arguments().flat_map(|option| {
        let values = option.get_possible_values();
        let values: Vec<_> = values.iter().filter_map(|value| value.get_help().map(ToString::to_string)).collect();
        [option.get_help(), option.get_long_help()].into_iter().flatten().map(ToString::to_string).chain(values)
    });
    let mut texts: Vec<Text> =
        about.map(ToString::to_string).chain(options).map(|text| Text::new(name.clone(), text)).collect();
    texts.extend(command.get_subcommands().flat_map(help));
    texts
}

/// Every message on the pages of the checks.
fn messages() -> Vec<Text> {
    let mut texts = Vec::new();
    let mut seen = BTreeSet::new();
    for check in checks::ALL {
        for (config, inventory, ingresses) in examples(check.page) {
            let engine = config.engine();
            let findings = ingresses
                .iter()
                .flat_map(|ingress| engine.run(ingress, known(&inventory), &Allowance::full()).findings);
            let new = findings.filter(|finding| seen.insert((finding.code, finding.to_string())));
            texts.extend(new.map(|finding| Text::new(format!("message of {}", finding.code), finding.to_string())));
        }
    }
    texts
}

/// The prose of a document: neither fenced blocks nor inline code, and links without their addresses.
fn prose(document: &str) -> String {
    let mut prose = String::new();
    let mut fenced = false;
    for line in document.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let words = line.split('`').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "code" });
            prose.push_str(&words.collect::<String>());
        }
        prose.push('\n');
    }
    let addresses = Regex::new(r"\]\([^)]*\)").unwrap();
    let mut plain = String::new();
    let mut end = 0;
    for address in addresses.find_iter(prose.as_bytes()).flatten() {
        plain.push_str(&prose[end..address.start()]);
        end = address.end();
    }
    plain + &prose[end..]
}

/// Whether this counts as a word of a sentence: inline code and signs do not.
fn is_word(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    !word.is_empty() && word != "code"
}

/// The sentences of a document outside headings and tables. A semicolon ends a sentence, and each item of a list begins one.
fn sentences(document: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in prose(document).lines() {
        let line = line.trim();
        let is_item = line.starts_with("- ") || line.split_once(". ").is_some_and(|(at, _)| at.parse::<u8>().is_ok());
        if line.is_empty() || line.starts_with(['#', '|']) || is_item {
            paragraphs.push(String::new());
        }
        if !line.starts_with(['#', '|']) {
            let paragraph = paragraphs.last_mut().unwrap();
            paragraph.push_str(line);
            paragraph.push(' ');
        }
    }
    let ends = ["? ", "! ", "; "];
    let sentences = paragraphs.iter().flat_map(|paragraph| {
        let marked = ends.iter().fold(paragraph.clone(), |text, end| text.replace(end, &format!("{}. ", &end[..1])));
        marked.split(". ").map(|sentence| sentence.trim().to_owned()).collect::<Vec<_>>()
    });
    sentences.filter(|sentence| !sentence.is_empty()).collect()
}

#[test]
fn texts_use_the_standard_terms() {
    let banned = banned();
    let documents = documents().into_iter().map(|text| Text { text: prose(&text.text), ..text });
    let all =
        documents.chain(templates()).chain(manifests()).chain(sources()).chain(help(&cli::command())).chain(messages());
    let mut wrong = Vec::new();
    for Text { source, text } in all {
        for line in text.lines().filter(|line| banned.is_match(line.as_bytes()).unwrap()) {
            wrong.push(format!("{source}: {line}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sentences_of_documents_are_short() {
    let mut long = Vec::new();
    for Text { source, text } in documents() {
        for sentence in sentences(&text) {
            let words = sentence.split_whitespace().filter(|word| is_word(word)).count();
            if words > if source == "docs/ingress-nginx.md" { WORDS_OF_FACTS } else { WORDS } {
                long.push(format!("{source}: {words} words: {sentence}"));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn no_sentence_of_a_document_opens_with_a_relative_clause() {
    let opens = |sentence: &str| {
        let first = sentence.trim_start_matches(['-', '*', ' ']).split(' ').next().unwrap_or_default();
        matches!(first, "What" | "Who" | "Whose" | "Whatever") && !sentence.ends_with('?')
    };
    let wrong: Vec<String> = documents()
        .into_iter()
        .flat_map(|Text { source, text }| {
            sentences(&text).into_iter().filter(|sentence| opens(sentence)).map(move |s| format!("{source}: {s}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_name_of_a_test_opens_with_a_relative_clause() {
    let files = [files_below("src", "rs"), files_below("tests", "rs")].concat();
    let names = files.iter().flat_map(|path| test_names(&read(path)));
    let opens = |name: &String| ["what ", "who ", "whose ", "where "].iter().any(|word| name.starts_with(word));
    let wrong: Vec<String> = names.filter(opens).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rules_find_violations() {
    let banned = banned();
    for line in ["nobody serves it", "it is no path", "the house", "nobodys", "judged", "a fake certificate"] {
        assert!(banned.is_match(line.as_bytes()).unwrap(), "{line}");
    }
    for line in ["it is no longer read", "is now read", "a warehouse"] {
        assert!(!banned.is_match(line.as_bytes()).unwrap(), "{line}");
    }
    assert_eq!(literals("// \"a\"\nf(\"b \\\" c\", '\"', \"\\\\\", \"d\")"), "b ' c\n\nd");
    assert_eq!(prose("a `nobody` [link](nobody.md)\n```text\nnobody\n```\n"), "a code [link\n\n\n\n");
    assert_eq!(sentences("# What\n\nOne. Two\nthree.\n- four\n"), ["One", "Two three", "- four"]);
}
