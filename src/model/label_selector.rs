//! Label selectors as text, as flags and kubectl write them: `team=shop,tier in (front, back),!legacy`, and as objects contain them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use super::lax;

/// A label selector: every requirement must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSelector {
    text: Box<str>,
    requirements: Box<[Requirement]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: Box<str>,
    test: Test,
}

/// The label selector of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Wire {
    #[serde(deserialize_with = "lax::null")]
    match_labels: BTreeMap<Box<str>, Box<str>>,
    #[serde(deserialize_with = "lax::null")]
    match_expressions: Vec<WireRequirement>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireRequirement {
    #[serde(deserialize_with = "lax::null")]
    key: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    operator: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    values: Vec<Box<str>>,
}

impl Wire {
    /// Returns the selector as text: `a=b,c in (d,e)`; `None`: an operator is not known.
    fn text(&self) -> Option<String> {
        let labels = self.match_labels.iter().map(|(key, value)| Some(format!("{key}={value}")));
        let expressions = self.match_expressions.iter().map(|WireRequirement { key, operator, values }| {
            let values = values.join(",");
            match &**operator {
                "In" => Some(format!("{key} in ({values})")),
                "NotIn" => Some(format!("{key} notin ({values})")),
                "Exists" => Some(key.to_string()),
                "DoesNotExist" => Some(format!("!{key}")),
                _ => None,
            }
        });
        labels.chain(expressions).collect::<Option<Vec<_>>>().map(|parts| parts.join(","))
    }
}

/// What a requirement tests of the value of its label.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    In(BTreeSet<Box<str>>),
    /// Also holds without the label.
    NotIn(BTreeSet<Box<str>>),
    Above(i64),
    Below(i64),
}

impl LabelSelector {
    /// Parses the syntax of Kubernetes (`labels.Parse`); `None`: it is not valid. An empty text selects everything.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut requirements = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let end = end_of_requirement(rest);
            requirements.push(Requirement::parse(rest[..end].trim())?);
            rest = rest[end..].trim_start();
            if let Some(more) = rest.strip_prefix(',') {
                rest = more.trim_start();
                // A comma at the end.
                if rest.is_empty() {
                    return None;
                }
            }
        }
        Some(Self { text: text.trim().into(), requirements: requirements.into() })
    }

    /// Reads the selector of an object; `None`: it is not valid. An empty one selects everything.
    pub(super) fn read(wire: &Wire) -> Option<Self> {
        Self::parse(&wire.text()?)
    }

    /// Returns whether it selects an object with these labels.
    #[must_use]
    pub fn selects(&self, labels: &BTreeMap<Box<str>, Box<str>>) -> bool {
        self.requirements.iter().all(|Requirement { key, test }| {
            let value = labels.get(key);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match test {
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Test::Above(limit) => number().is_some_and(|number| number > *limit),
                Test::Below(limit) => number().is_some_and(|number| number < *limit),
            }
        })
    }

    /// Returns whether no object can be selected by both: they require different values of one label.
    #[must_use]
    pub fn excludes(&self, other: &Self) -> bool {
        let values = |of: &Self| -> Vec<(Box<str>, BTreeSet<Box<str>>)> {
            let required = |requirement: &Requirement| match &requirement.test {
                Test::In(values) => Some((requirement.key.clone(), values.clone())),
                _ => None,
            };
            of.requirements.iter().filter_map(required).collect()
        };
        let others = values(other);
        values(self).iter().any(|(key, values)| others.iter().any(|(of, other)| of == key && values.is_disjoint(other)))
    }
}

/// Returns the end of the first requirement: a comma outside of parentheses, or the end of the text.
fn end_of_requirement(text: &str) -> usize {
    let mut is_within = false;
    for (at, c) in text.char_indices() {
        match c {
            '(' => is_within = true,
            ')' => is_within = false,
            ',' if !is_within => return at,
            _ => {}
        }
    }
    text.len()
}

impl Requirement {
    fn parse(text: &str) -> Option<Self> {
        let of = |key: &str, test: Test| {
            let key = key.trim();
            is_key(key).then(|| Self { key: key.into(), test })
        };
        if let Some(key) = text.strip_prefix('!') {
            return of(key, Test::Missing);
        }
        if let Some(inner) = text.strip_suffix(')') {
            let (head, values) = inner.split_once('(')?;
            let (key, operator) = head.trim_end().rsplit_once(char::is_whitespace)?;
            let values = values.split(',').map(value).collect::<Option<BTreeSet<Box<str>>>>()?;
            return match operator {
                "in" => of(key, Test::In(values)),
                "notin" => of(key, Test::NotIn(values)),
                _ => None,
            };
        }
        for operator in ["!=", "==", "=", ">", "<"] {
            let Some((key, text)) = text.split_once(operator) else { continue };
            let one = || Some(BTreeSet::from([value(text)?]));
            let number = || text.trim().parse::<i64>().ok();
            return of(
                key,
                match operator {
                    "!=" => Test::NotIn(one()?),
                    ">" => Test::Above(number()?),
                    "<" => Test::Below(number()?),
                    _ => Test::In(one()?),
                },
            );
        }
        of(text, Test::Exists)
    }
}

/// Returns a value of a label, if it is one.
fn value(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    let is_of_value = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (text.len() <= 63 && text.bytes().all(is_of_value)).then(|| text.into())
}

/// Returns whether a text can be the key of a label.
fn is_key(text: &str) -> bool {
    let is_of_key = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    !text.is_empty() && text.len() <= 317 && text.bytes().all(is_of_key)
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        LabelSelector::parse(selector).unwrap_or_else(|| panic!("{selector}")).selects(&labels)
    }

    #[test]
    fn every_requirement_must_hold() {
        let shop = [("team", "shop"), ("example.com/tier", "2"), ("empty", "")];
        for selector in [
            "",
            "team",
            "team=shop",
            "team == shop, !legacy",
            "team in (blog, shop)",
            "team notin (blog)",
            "legacy notin (yes)",
            "legacy!=yes,team!=blog",
            "example.com/tier>1,example.com/tier<3",
            "empty=",
            "empty in (a,)",
        ] {
            assert!(selects(selector, &shop), "{selector}");
        }
        for selector in [
            "legacy",
            "!team",
            "team=blog",
            "team in (blog,docs)",
            "team notin(x, shop)",
            "team in(blog)",
            "team!=shop",
            "team,legacy=",
            "team>1",
            "example.com/tier>2",
        ] {
            assert!(!selects(selector, &shop), "{selector}");
        }
    }

    #[test]
    fn texts_that_kubernetes_refuses_are_no_selectors() {
        for text in
            ["team=a b", "team in shop", "team in (a", "=shop", "a,", ",a", "a,,b", "t~m", "team of (a)", "a>b", "!"]
        {
            assert_eq!(LabelSelector::parse(text), None, "{text}");
        }
    }

    #[test]
    fn selectors_that_require_different_values_exclude_each_other() {
        let excludes = |a: &str, b: &str| LabelSelector::parse(a).unwrap().excludes(&LabelSelector::parse(b).unwrap());
        assert!(excludes("team=a", "team=b") && excludes("team=a,x", "team in (b, c)"));
        for (a, b) in [("team=a", "team!=a"), ("team=a", "tier=b"), ("team=a", "team in (a,b)"), ("", "team=a")] {
            assert!(!excludes(a, b), "{a} {b}");
        }
    }
}
