//! Text of messages: values from objects, quoted and kept on one line.

use std::fmt;

/// Escapes the control characters of a text, so that it stays on one line and cannot control a terminal. The API server
/// silently drops a warning with a control character.
#[must_use]
pub fn one_line(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len() + 8), |mut out, character| {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
        out
    })
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
}
