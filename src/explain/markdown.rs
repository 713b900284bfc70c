//! Markdown on a terminal: the subset that check pages use.

use std::mem::take;

use pulldown_cmark::{Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

use super::Style;
use super::text::{BOLD, RESET};

const CYAN: &str = "\u{1b}[36m";

/// Renders Markdown as text. Lines are at most `width` characters wide, except in blocks of code. Without colours inline code
/// keeps its backticks. A link shows its address if that is a URL.
pub(super) fn render(markdown: &str, style: Style, width: usize) -> String {
    let mut page = Page::new(style, width);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.read(event);
    }
    page.out
}

#[derive(PartialEq, Eq)]
enum Block {
    Text,
    List,
    Code,
}

struct Page {
    out: String,
    style: Style,
    width: usize,
    /// The indentation of the current section.
    margin: &'static str,
    is_below_heading: bool,
    block: Block,
    /// The words of the current paragraph, each in pieces of text and colour.
    words: Vec<Vec<(String, &'static str)>>,
    /// Whether the next text begins a new word.
    is_apart: bool,
    colour: &'static str,
    /// The address of the current link, if it is shown.
    link: Option<String>,
}

impl Page {
    const fn new(style: Style, width: usize) -> Self {
        Self {
            out: String::new(),
            style,
            width,
            margin: "",
            is_below_heading: false,
            block: Block::Text,
            words: Vec::new(),
            is_apart: false,
            colour: "",
            link: None,
        }
    }

    fn read(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.block == Block::Code => self.code(&text),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text, self.colour),
            Event::Code(text) if self.style == Style::Plain => self.text(&format!("`{text}`"), ""),
            Event::Code(text) => self.text(&text, CYAN),
            Event::SoftBreak | Event::HardBreak => self.is_apart = true,
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.is_below_heading = false;
                self.gap();
                self.colour = BOLD;
                self.margin = "";
            }
            Tag::Paragraph if self.block == Block::Text => self.gap(),
            Tag::Table(_) => self.gap(),
            Tag::List(_) => {
                self.gap();
                self.block = Block::List;
            }
            Tag::CodeBlock(_) => {
                self.gap();
                self.block = Block::Code;
            }
            Tag::TableCell if !self.words.is_empty() => {
                self.text(":", "");
                self.is_apart = true;
            }
            Tag::Strong | Tag::Emphasis => self.colour = BOLD,
            Tag::Link { link_type, dest_url, .. } => {
                let is_shown = link_type != LinkType::Autolink && dest_url.contains("://");
                self.link = is_shown.then(|| dest_url.into_string());
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                self.flush("", "");
                self.colour = "";
                self.is_below_heading = level != HeadingLevel::H1;
                self.margin = if self.is_below_heading { "  " } else { "" };
            }
            TagEnd::Paragraph if self.block == Block::Text => self.flush("", ""),
            TagEnd::TableHead => self.flush("", "  "),
            TagEnd::Item | TagEnd::TableRow => self.flush("- ", "  "),
            TagEnd::List(_) | TagEnd::CodeBlock => self.block = Block::Text,
            TagEnd::Strong | TagEnd::Emphasis => self.colour = "",
            TagEnd::Link => {
                if let Some(url) = self.link.take() {
                    self.text(&format!(" ({url})"), "");
                }
            }
            _ => {}
        }
    }

    /// A blank line, except right below a heading.
    fn gap(&mut self) {
        if !take(&mut self.is_below_heading) && !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn code(&mut self, text: &str) {
        for line in text.lines() {
            if !line.is_empty() {
                self.out.push_str(self.margin);
                self.out.push_str("  ");
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }

    fn text(&mut self, text: &str, colour: &'static str) {
        for (index, part) in text.split(char::is_whitespace).enumerate() {
            self.is_apart |= index > 0;
            if part.is_empty() {
                continue;
            }
            let piece = (part.to_owned(), colour);
            match self.words.last_mut() {
                Some(word) if !self.is_apart => word.push(piece),
                _ => self.words.push(vec![piece]),
            }
            self.is_apart = false;
        }
    }

    /// Writes the current paragraph with these indentations for its first line and the others.
    fn flush(&mut self, first: &str, others: &str) {
        self.is_apart = false;
        self.out.push_str(self.margin);
        self.out.push_str(first);
        let mut column = self.margin.len() + first.len();
        let mut colour = "";
        for (index, word) in take(&mut self.words).into_iter().enumerate() {
            let width: usize = word.iter().map(|(text, _)| text.chars().count()).sum();
            // A colour goes on from word to word, but not over a change.
            if word.first().is_some_and(|piece| piece.1 != colour) {
                self.paint(&mut colour, "");
            }
            if index > 0 && column + 1 + width > self.width {
                self.out.push('\n');
                self.out.push_str(self.margin);
                self.out.push_str(others);
                column = self.margin.len() + others.len();
            } else if index > 0 {
                self.out.push(' ');
                column += 1;
            }
            for (text, wanted) in word {
                self.paint(&mut colour, wanted);
                self.out.push_str(&text);
            }
            column += width;
        }
        self.paint(&mut colour, "");
        self.out.push('\n');
    }

    fn paint(&mut self, current: &mut &'static str, wanted: &'static str) {
        if self.style == Style::Terminal && *current != wanted {
            self.out.push_str(if current.is_empty() { "" } else { RESET });
            self.out.push_str(wanted);
            *current = wanted;
        }
    }
}
