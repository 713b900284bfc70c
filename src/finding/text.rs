//! Text of messages: values from objects and names of files, quoted and kept on one line.

use std::borrow::Cow;
use std::fmt;

/// Whether a character has no shape of its own: it controls a terminal, ends a line, reorders the text around it (explicit
/// formatting of the Unicode Bidirectional Algorithm, UAX #9), or has no width.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Escapes the invisible characters of a text, so that it stays on one line, cannot control a terminal, and reads as it is stored.
/// The API server silently drops a warning with a control character.
#[must_use]
pub fn one_line(text: &str) -> String {
    escaped(text, is_invisible).into_owned()
}

/// Escapes a text that starts a line of output. GitHub Actions executes a line that begins with `::`.
#[must_use]
pub fn start_of_line(text: &str) -> String {
    let text = one_line(text);
    if text.trim_start().starts_with("::") { format!("\\{}", text.trim_start()) } else { text }
}

/// Replaces characters by `\n`, `\u{202e}` and the like.
#[must_use]
pub fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().fold(String::with_capacity(text.len() + 8), |mut out, character| {
        if is_escaped(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
        out
    });
    Cow::Owned(escaped)
}

/// A value from an object as messages quote it: escaped, so that it stays on one line, and cut at 60 characters.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARACTERS: usize = 60;
        match self.0.char_indices().nth(CHARACTERS) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_stay_on_their_line_and_short() {
        assert_eq!(Quoted("/a\nb").to_string(), r#""/a\nb""#);
        assert_eq!(Quoted(&"é".repeat(70)).to_string(), format!("\"{}\"…", "é".repeat(60)));
    }

    #[test]
    fn text_of_one_line_has_no_invisible_character() {
        assert_eq!(one_line("größe ñ 日本 🎉"), "größe ñ 日本 🎉");
        assert_eq!(one_line("a\n\u{1b}[31m\u{9b}\u{7f}"), r"a\n\u{1b}[31m\u{9b}\u{7f}");
        assert_eq!(one_line("gnp.\u{202e}lmay\u{2066}\u{200b}\u{e0041}"), r"gnp.\u{202e}lmay\u{2066}\u{200b}\u{e0041}");
        assert_eq!(start_of_line(" ::error::x"), r"\::error::x");
        assert_eq!(start_of_line("a::b"), "a::b");
    }
}
