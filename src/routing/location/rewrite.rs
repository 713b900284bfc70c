//! The path that the backend gets: `rewrite-target`. Sections 3.1 and 3.2.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use super::pattern::Pattern;
use super::server::Location;
use crate::budget::{Budget, BudgetExceeded};
use crate::routing::annotations::{NginxAnnotations, is_url};

/// The ASCII characters of captured text that stay encoded in a redirect (`ngx_escape_uri` for arguments, then
/// `ngx_unescape_uri` for redirects).
const REDIRECTED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%');

/// The result of a rewrite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewritten {
    /// The path is unchanged.
    Untouched,
    /// The backend gets this path.
    To(Vec<u8>),
    /// The target is a URL: nginx redirects there with 302. Captured text is encoded. `None`: the URL depends on a variable of the request.
    Redirect(Option<Vec<u8>>),
    /// The rewritten path is empty: nginx answers 500.
    Empty,
    /// The path depends on a variable of the request.
    Variable,
}

/// A part of a rewrite target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text.
    Literal(&'a str),
    /// `$1` to `$9`: nginx reads one digit.
    Capture(usize),
    /// `$name` or `${name}`: a named group or a variable. Empty if no name follows, which nginx rejects.
    Variable(&'a str),
}

impl<'a> Piece<'a> {
    /// Returns the text of a literal.
    #[must_use]
    pub fn literal(self) -> Option<&'a str> {
        if let Self::Literal(text) = self { Some(text) } else { None }
    }
}

/// Splits a rewrite target into its parts as nginx does (`ngx_http_script_compile`).
pub fn pieces(target: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = target;
    std::iter::from_fn(move || {
        let Some(after) = rest.strip_prefix('$') else {
            let (literal, tail) = rest.split_at(rest.find('$').unwrap_or(rest.len()));
            rest = tail;
            return (!literal.is_empty()).then_some(Piece::Literal(literal));
        };
        if let Some(digit) = after.bytes().next().filter(|byte| (b'1'..=b'9').contains(byte)) {
            rest = &after[1..];
            return Some(Piece::Capture(usize::from(digit - b'0')));
        }
        let inner = after.strip_prefix('{');
        let start = inner.unwrap_or(after);
        let end = start.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(start.len());
        let (name, tail) = start.split_at(end);
        let closed = tail.strip_prefix('}').filter(|_| inner.is_some());
        rest = closed.unwrap_or(tail);
        // nginx rejects an unclosed brace as well.
        Some(Piece::Variable(if inner.is_some() && closed.is_none() { "" } else { name }))
    })
}

/// Returns whether one redirect answers every request of an Ingress, whatever location takes it: its target contains no capture group
/// (section 3.2).
#[must_use]
pub fn redirects_alike(annotations: NginxAnnotations<'_>) -> bool {
    let has_capture = |target: &str| pieces(target).any(|piece| matches!(piece, Piece::Capture(_)));
    annotations.redirects_everything()
        && (annotations.redirect().is_some() || !annotations.rewrite_target().is_some_and(has_capture))
}

impl Location<'_> {
    /// Rewrites the path of a request that this location gets.
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn rewritten(&self, uri: &[u8], budget: &Budget) -> Result<Rewritten, BudgetExceeded> {
        self.rewritten_with(uri, |_| None, budget)
    }

    /// Rewrites the path of a request of which the values of some variables are known.
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn rewritten_with<'v>(
        &self,
        uri: &[u8],
        variable: impl Fn(&str) -> Option<Cow<'v, [u8]>>,
        budget: &Budget,
    ) -> Result<Rewritten, BudgetExceeded> {
        let Some(target) = self.target else { return Ok(Rewritten::Untouched) };
        budget.spend(u32::try_from(target.len()).unwrap_or(u32::MAX).saturating_add(400))?;
        let pattern = Pattern::rewrite(&self.path, budget).map_err(|_| BudgetExceeded)?;
        let captures = pattern.captures(uri, budget)?;
        let Some(captures) = captures else { return Ok(Rewritten::Untouched) };
        let is_url = is_url(target);
        let mut rewritten = Vec::new();
        for piece in pieces(target) {
            let mut add = |captured: &[u8]| {
                if is_url {
                    rewritten.extend(percent_encode(captured, REDIRECTED).flat_map(str::bytes));
                } else {
                    rewritten.extend(captured);
                }
            };
            match piece {
                Piece::Literal(text) => rewritten.extend(text.as_bytes()),
                Piece::Capture(group) => add(captures.get(group).map_or(&[][..], |it| it.as_bytes())),
                Piece::Variable(name) if pattern.names().any(|named| named == name) => {
                    add(captures.name(name).map_or(&[][..], |it| it.as_bytes()));
                }
                Piece::Variable(name) => match variable(name) {
                    Some(value) => rewritten.extend(&*value),
                    None if is_url => return Ok(Rewritten::Redirect(None)),
                    None => return Ok(Rewritten::Variable),
                },
            }
        }
        Ok(match () {
            () if is_url => Rewritten::Redirect(Some(rewritten)),
            () if rewritten.is_empty() => Rewritten::Empty,
            () => Rewritten::To(rewritten),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_nginx_reads_them() {
        let read = |target| pieces(target).collect::<Vec<_>>();
        assert_eq!(read("/a$1/b"), [Piece::Literal("/a"), Piece::Capture(1), Piece::Literal("/b")]);
        assert_eq!(read("/$10"), [Piece::Literal("/"), Piece::Capture(1), Piece::Literal("0")]);
        assert_eq!(read("$uri/$"), [Piece::Variable("uri"), Piece::Literal("/"), Piece::Variable("")]);
        assert_eq!(read("$0${1}"), [Piece::Variable("0"), Piece::Variable("1")]);
        assert_eq!(read("${uri}x${uri"), [Piece::Variable("uri"), Piece::Literal("x"), Piece::Variable("")]);
        assert_eq!(read(""), []);
    }
}
