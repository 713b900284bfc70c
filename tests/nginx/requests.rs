//! Requests that a path might be intended to match, and similar ones that it does not match.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::world::World;

/// A request derived from a world's contents, so that it stays valid while the world is reduced.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    host: u8,
    host_change: u8,
    path: u8,
    sample: u8,
    change: u8,
    query: u8,
}

/// One request line and its `Host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) host: String,
    pub(crate) target: String,
}

pub(crate) fn ask() -> impl Strategy<Value = Ask> {
    (any::<u8>(), 0_u8..40, any::<u8>(), 0_u8..3, 0_u8..60, 0_u8..20).prop_map(
        |(host, host_change, path, sample, change, query)| Ask { host, host_change, path, sample, change, query },
    )
}

impl Ask {
    pub(crate) fn request(&self, world: &World) -> Request {
        Request { host: self.host(world), target: self.target(world) }
    }

    fn host(&self, world: &World) -> String {
        let rules = world.ingresses.iter().flat_map(|ingress| &ingress.rules).map(|rule| rule.host.to_owned());
        let aliases = world.ingresses.iter().filter_map(|ingress| ingress.annotation("server-alias"));
        let aliases = aliases.flat_map(|aliases| aliases.split(',')).map(|alias| named(alias.trim()));
        let mut known: Vec<String> = rules.chain(aliases).collect();
        known.push(String::new());
        known.sort();
        known.dedup();
        let host = &known[usize::from(self.host) % known.len()];
        let host = match host.strip_prefix("*.") {
            _ if host.is_empty() => "unknown.example".to_owned(),
            Some(parent) => match self.host_change {
                0 => parent.to_owned(),
                1 => format!("x.y.{parent}"),
                2 => format!("b_1.{parent}"),
                3 => format!("b$.{parent}"),
                4 => format!("app.{parent}"),
                5 => format!(".{parent}"),
                _ => format!("b.{parent}"),
            },
            None => host.clone(),
        };
        match self.host_change {
            8 => host.to_uppercase(),
            9 => format!("{host}:8080"),
            10 => format!("{host}."),
            11 => format!("{host}.:443"),
            12 => format!("{host}:http"),
            13 => format!("{host}:80:81"),
            14 => format!("sub.{host}"),
            15 => "_".to_owned(),
            16 => format!("{host}x"),
            17 | 18 => host.strip_prefix("www.").map_or_else(|| format!("www.{host}"), str::to_owned),
            _ => host,
        }
    }

    fn target(&self, world: &World) -> String {
        let paths = world.ingresses.iter().flat_map(|ingress| &ingress.rules).flat_map(|rule| &rule.paths);
        let samples: Vec<&Vec<String>> = paths.map(|path| &path.text.samples).collect();
        let root = vec!["/".to_owned()];
        let samples = samples.get(usize::from(self.path) % samples.len().max(1)).copied().unwrap_or(&root);
        let sample = &samples[usize::from(self.sample) % samples.len()];
        let path = typed(if sample.is_empty() { "/" } else { sample });
        let first_segment_ends = path[1..].find('/').map_or(path.len(), |at| at + 1);
        let (head, tail) = path.split_at(first_segment_ends);
        let path = match self.change {
            0..=2 => format!("{path}/"),
            3 => format!("{path}/sub/path"),
            4 => format!("{path}x"),
            5 => path.to_uppercase(),
            6 => path.to_lowercase(),
            7 => encoded(&path, |byte| byte.is_ascii_alphabetic()),
            8 => encoded(&path, |byte| byte == b'.' || byte == b'-'),
            9 => format!("/{}", encoded(&path[1..], |byte| byte == b'/')),
            10 => format!("/{path}"),
            11 => format!("{head}/{tail}"),
            12 => format!("{head}/.{tail}"),
            13 => format!("{head}/x/..{tail}"),
            14 => format!("{path}/.."),
            15 => format!("{path}/."),
            16 => format!("{path}/../..{path}"),
            17 => path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(&path).to_owned(),
            18 | 19 => path[..path.len().max(2) - 1].to_owned(),
            20 => format!("{path}%3Fx"),
            21 => format!("{path}%20x"),
            22 => format!("{path}%00"),
            23 => format!("{path}%zz"),
            24 => format!("{path}%2"),
            25 => format!("{path}#frag?x"),
            26 => format!("{path}+x%2B"),
            27 => format!("{path}/%E9"),
            28 => format!("{path}/\u{e9}"),
            29 => "/".to_owned(),
            30 => "/nowhere".to_owned(),
            31 => format!("{path}%2F"),
            32 => format!("{path}%25"),
            33 => format!("{path}\\"),
            34 => format!("{path}x y"),
            35 => path[1..].to_owned(),
            _ => path,
        };
        match self.query {
            0 => format!("{path}?x=1&y=/z"),
            1 => format!("{path}?/.."),
            _ => path,
        }
    }
}

/// A host that an alias may match.
fn named(alias: &str) -> String {
    match alias {
        pattern if pattern.starts_with('~') => "alex.example.net".to_owned(),
        // A client cannot send them.
        odd if odd.contains([' ', ';', '*']) && !odd.starts_with("*.") || odd.contains("..") || odd == "*." => {
            "odd.example.net".to_owned()
        }
        _ => alias
            .strip_suffix(".*")
            .map_or_else(|| alias.trim_start_matches('.').to_owned(), |labels| format!("{labels}.a.io")),
    }
}

/// A path as a browser sends it.
fn typed(path: &str) -> String {
    encoded(path, |byte| !byte.is_ascii_graphic() || b"%#?".contains(&byte))
}

fn encoded(path: &str, which: impl Fn(u8) -> bool) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        if which(byte) {
            let _ = write!(text, "%{byte:02X}");
        } else {
            text.push(char::from(byte));
        }
        text
    })
}
