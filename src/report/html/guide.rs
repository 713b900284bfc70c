//! The reference page of a check, inside the HTML report.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::checks;

/// The reference page of one check.
pub(super) struct Guide {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) html: String,
}

impl Guide {
    pub(super) fn of(code: &str) -> Option<Self> {
        let check = checks::find(code)?;
        // The template renders the title.
        let body = check.page.split_once('\n').map_or("", |(_, body)| body);
        let mut html = String::new();
        pulldown_cmark::html::push_html(&mut html, Parser::new_ext(body, Options::ENABLE_TABLES).filter_map(here));
        Some(Self { code: check.code, name: check.name, html })
    }
}

/// Lowers headings below those of the HTML report, escapes raw HTML, and removes links, whose targets are other files.
fn here(event: Event<'_>) -> Option<Event<'_>> {
    Some(match event {
        Event::Start(Tag::Heading { id, classes, attrs, .. }) => {
            Event::Start(Tag::Heading { level: HeadingLevel::H4, id, classes, attrs })
        }
        Event::End(TagEnd::Heading(_)) => Event::End(TagEnd::Heading(HeadingLevel::H4)),
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link { .. } | Tag::Image { .. }) | Event::End(TagEnd::Link | TagEnd::Image) => return None,
        other => other,
    })
}
