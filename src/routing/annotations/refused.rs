//! Annotation values that the controller accepts and nginx refuses, and with them the whole configuration: section 2.8,
//! B11 to B16.

use super::{LONGEST_PARAMETER, NginxAnnotations};
use crate::routing::version::Version;

/// An annotation value that nginx refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedValue<'a> {
    /// The annotation, without its prefix.
    pub annotation: &'static str,
    /// The value.
    pub value: &'a str,
    /// The problem, as a predicate of the value.
    pub reason: String,
    /// The fix.
    pub help: &'static str,
    /// The block that contains the value.
    pub place: Place,
    /// Whether nginx refuses it whatever Secrets and the ConfigMap of the controller contain.
    pub is_certain: bool,
}

/// The block of the nginx configuration that contains a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Each location of the Ingress that requests can reach.
    Location,
    /// The location for external authentication, which also stands beside locations that answer 503.
    Authentication,
    /// Both.
    LocationAndAuthentication,
    /// The server of each of its hosts.
    Server,
}

/// The keys of the controller's ConfigMap with sizes of buffers, which apply unless an annotation is set.
#[derive(Debug, Clone, Copy, Default)]
pub struct SharedBuffers<'s> {
    /// `proxy-buffer-size`
    pub size: Option<&'s str>,
    /// `proxy-buffers-number`
    pub number: Option<&'s str>,
    /// `proxy-busy-buffers-size`
    pub busy: Option<&'s str>,
}

/// The defaults of the controller: `proxy_buffers 4 4k`.
const BUFFERS: i64 = 4;
const BUFFER_SIZE: u64 = 4096;
/// The longest time that nginx reads, in seconds: it counts milliseconds in 63 bits.
const LONGEST_TIME: i64 = i64::MAX / 1000;
/// The most connections that `limit_conn` takes.
const MOST_CONNECTIONS: i64 = 65_535;

const POSITIVE: &str = "use 0 or a positive number";
const ONE_WORD: &str = "remove the space";

/// A problem before the value is attached to it.
struct Problem {
    reason: String,
    help: &'static str,
    place: Place,
    is_certain: bool,
}

impl Problem {
    fn certain(reason: impl Into<String>, help: &'static str) -> Self {
        Self { reason: reason.into(), help, place: Place::Location, is_certain: true }
    }

    fn likely(reason: impl Into<String>, help: &'static str) -> Self {
        Self { is_certain: false, ..Self::certain(reason, help) }
    }

    fn on_server(self) -> Self {
        self.at(Place::Server)
    }

    fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }
}

impl<'a> NginxAnnotations<'a> {
    /// Returns the values that nginx refuses if they are written into its configuration.
    #[must_use]
    pub fn refused_by_nginx(self, version: Option<Version>, buffers: SharedBuffers<'_>) -> Vec<RefusedValue<'a>> {
        // Longer values are too long for nginx in any form (B9).
        let short = self.in_force(version).filter(|(_, value)| value.len() <= LONGEST_PARAMETER);
        let accepted = short.filter(|(row, value)| row.accepts(value));
        let refused = accepted.filter_map(|(row, value)| {
            let Problem { reason, help, place, is_certain } = self.problem(row.name, value.trim(), version, buffers)?;
            let is_certain = is_certain && (row.since.is_none() || version.is_some());
            Some(RefusedValue { annotation: row.name, value, reason, help, place, is_certain })
        });
        refused.collect()
    }

    fn problem(self, name: &str, value: &str, version: Option<Version>, buffers: SharedBuffers<'_>) -> Option<Problem> {
        let words = value.split_whitespace().count();
        let int = || value.parse::<i64>().ok();
        match name {
            "proxy-buffer-size" | "proxy-buffers-number" | "proxy-busy-buffers-size" | "proxy-max-temp-file-size" => {
                let is_everywhere = name != "proxy-max-temp-file-size";
                let place = if is_everywhere { Place::LocationAndAuthentication } else { Place::Location };
                self.buffers(name, value, buffers).map(|problem| problem.at(place))
            }
            // The controller writes these sizes only in the form of nginx.
            "proxy-body-size" | "client-body-buffer-size" => {
                let units = if name == "proxy-body-size" { "kmg" } else { "km" };
                let too_large = || Problem::certain("is too large", "use a smaller size");
                matches!(Size::parse(value, units), Size::Overflow)
                    .then(|| too_large().at(Place::LocationAndAuthentication))
            }
            "proxy-connect-timeout" | "proxy-read-timeout" | "proxy-send-timeout" | "proxy-next-upstream-timeout" => {
                match int()? {
                    ..0 => Some(Problem::certain("is negative", POSITIVE)),
                    seconds if seconds > LONGEST_TIME => Some(Problem::certain("is too large", "use a shorter time")),
                    _ => None,
                }
            }
            "proxy-next-upstream-tries" => (int()? < 0).then(|| Problem::certain("is negative", POSITIVE)),
            // Written only if the Secret has a CA certificate.
            "auth-tls-verify-depth" => (int()? < 0).then(|| Problem::likely("is negative", POSITIVE).on_server()),
            "proxy-ssl-verify-depth" => (int()? < 0).then(|| Problem::likely("is negative", POSITIVE)),
            "limit-connections" => {
                (int()? > MOST_CONNECTIONS).then(|| Problem::certain("exceeds 65535 connections", "use at most 65535"))
            }
            "limit-rate" | "limit-rate-after" => (int()? > i64::MAX / 1024)
                .then(|| Problem::certain("is too large", "use a smaller number of kilobytes")),
            "limit-burst-multiplier" => self.burst(int()?),
            "proxy-cookie-path" => {
                let is_good = value == "off" || words == 2 || words == 0 || value.contains('~');
                (!is_good).then(|| Problem::certain("is neither off nor two values", "use two values, or off"))
            }
            "proxy-redirect-from" => {
                let to = self.accepted("proxy-redirect-to").unwrap_or("off").trim();
                let is_pair = value != "off" && value != "default" && to != "off" && !value.contains('~');
                (is_pair && words + to.split_whitespace().count() != 2)
                    .then(|| Problem::likely("and proxy-redirect-to contain a space", ONE_WORD))
            }
            "ssl-ciphers" => ciphers(value, words).map(Problem::on_server),
            "proxy-ssl-ciphers" => ciphers(value, words).map(|problem| Problem { is_certain: false, ..problem }),
            // The validator has dropped single domains since 1.15.
            "proxy-cookie-domain" => {
                let is_written = version.is_some_and(|version| version < Version::new(1, 15, 0));
                (is_written && value != "off" && words != 2)
                    .then(|| Problem::likely("is neither off nor two values", "use two values, or off"))
            }
            "custom-http-errors" => value
                .split(',')
                .any(|code| code.trim() == "499")
                .then(|| Problem::certain("contains 499, which error_page does not take", "remove 499")),
            "auth-request-redirect" => {
                (words > 1).then(|| Problem::certain("contains a space", ONE_WORD).at(Place::Authentication))
            }
            // The controller drops a URL with a space in its host.
            "auth-signin" => {
                let rest = value.split_once("://").map_or("", |(_, rest)| rest);
                let host = rest.split(['/', '?']).next().unwrap_or_default();
                (words > 1 && !host.contains(' ')).then(|| Problem::certain("contains a space", ONE_WORD))
            }
            "auth-signin-redirect-param" => (words > 1 && self.accepted("auth-signin").is_some())
                .then(|| Problem::likely("contains a space", ONE_WORD)),
            "auth-tls-error-page" => (words > 1).then(|| Problem::likely("contains a space", ONE_WORD).on_server()),
            _ => None,
        }
    }

    /// The rate limits multiplied by `limit-burst-multiplier` must be positive. The controller multiplies in 64 bits.
    fn burst(self, multiplier: i64) -> Option<Problem> {
        let limits = ["limit-rps", "limit-rpm"].into_iter().filter_map(|name| self.accepted(name)?.parse::<i64>().ok());
        let is_refused = limits.filter(|limit| *limit > 0).any(|limit| limit.wrapping_mul(multiplier) <= 0);
        let reason = if multiplier > 0 { "is too large" } else { "is not positive" };
        is_refused.then(|| Problem::certain(reason, "use a positive number such as 5"))
    }

    /// The sizes of `proxy_buffers`, `proxy_busy_buffers_size` and `proxy_max_temp_file_size` depend on each other
    /// (`ngx_http_proxy_merge_loc_conf`). A size that is not set here may be set in the
    /// ConfigMap.
    fn buffers(self, name: &str, value: &str, shared: SharedBuffers<'_>) -> Option<Problem> {
        const SIZE: &str = "use a size such as 8k";
        let given = |name: &str, shared: Option<&str>| {
            self.accepted(name).or(shared).map(|value| Size::parse(value.trim(), "km"))
        };
        let (size, is_size_given) = match given("proxy-buffer-size", shared.size) {
            Some(Size::Bytes(bytes)) => (bytes, self.accepted("proxy-buffer-size").is_some()),
            _ => (BUFFER_SIZE, false),
        };
        let is_count_given = self.accepted("proxy-buffers-number").is_some();
        let count = self.accepted("proxy-buffers-number").or(shared.number);
        let count = count.and_then(|count| count.trim().parse::<i64>().ok());
        let busy = given("proxy-busy-buffers-size", shared.busy);
        let all_but_one = size.saturating_mul(u64::try_from(count.unwrap_or(BUFFERS).saturating_sub(1)).unwrap_or(0));
        match (name, Size::parse(value, if name == "proxy-max-temp-file-size" { "kmg" } else { "km" })) {
            ("proxy-buffers-number", _) => match count? {
                ..2 => Some(Problem::certain("is less than 2", "use at least 4")),
                2 if busy.is_none() => Some(Problem::likely(
                    "is too small for proxy-busy-buffers-size, which is two buffers",
                    "use at least 4",
                )),
                _ => None,
            },
            ("proxy-max-temp-file-size", Size::Overflow) => Some(Problem::certain("is too large", SIZE)),
            ("proxy-max-temp-file-size", Size::Bytes(bytes)) if bytes > 0 && bytes < size => {
                let reason = "is smaller than proxy-buffer-size";
                Some(Problem { is_certain: is_size_given, ..Problem::certain(reason, "use 0, or a larger size") })
            }
            ("proxy-max-temp-file-size", _) => None,
            (_, Size::Malformed) => Some(Problem::certain("is not a size of bytes, k or m", SIZE)),
            (_, Size::Overflow) => Some(Problem::certain("is too large", SIZE)),
            (_, Size::Bytes(0)) => Some(Problem::certain("is zero", SIZE)),
            ("proxy-busy-buffers-size", Size::Bytes(bytes)) if bytes < size => {
                let reason = "is smaller than proxy-buffer-size";
                Some(Problem { is_certain: is_size_given, ..Problem::certain(reason, "use twice proxy-buffer-size") })
            }
            ("proxy-busy-buffers-size", Size::Bytes(bytes))
                if bytes > all_but_one && count.is_none_or(|count| count > 1) =>
            {
                let reason = "exceeds all proxy buffers but one";
                let is_certain = is_size_given && is_count_given;
                Some(Problem { is_certain, ..Problem::certain(reason, "use twice proxy-buffer-size") })
            }
            _ => None,
        }
    }
}

/// Returns the problem of a list of ciphers. OpenSSL ignores unknown ciphers beside known ones.
fn ciphers(value: &str, words: usize) -> Option<Problem> {
    /// Parts of the names of ciphers and of groups of ciphers. A text without any of them cannot be a cipher.
    const PARTS: [&str; 33] = [
        "3DES", "ADH", "AEAD", "AES", "ALL", "ARIA", "CAMELLIA", "CBC", "CCM", "CHACHA", "DEFAULT", "DES", "DH", "DSS",
        "EC", "EXP", "FIPS", "FZA", "GCM", "GOST", "HIGH", "IDEA", "LOW", "MD5", "MEDIUM", "NULL", "PSK", "RC", "RSA",
        "SEED", "SHA", "SRP", "SUITEB",
    ];
    if words > 1 {
        return Some(Problem::certain("contains a space", "separate the ciphers with colons"));
    }
    let is_known = |cipher: &str| {
        let cipher = cipher.to_ascii_uppercase();
        PARTS.iter().chain(&["SSL", "TLS", "@"]).any(|part| cipher.contains(part))
    };
    // `!`, `-` and `+` only remove and move.
    let adds = |cipher: &str| !cipher.starts_with(['!', '-', '+']) && is_known(cipher);
    let is_empty = value.is_empty() || value.split([':', ',']).any(adds);
    (!is_empty).then(|| Problem::certain("contains no known cipher", "use ciphers of OpenSSL such as HIGH"))
}

/// A size as nginx reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Bytes(u64),
    Overflow,
    Malformed,
}

impl Size {
    /// Parses a number with one of these units, in either case (`ngx_parse_size`, `ngx_parse_offset`).
    fn parse(text: &str, units: &str) -> Self {
        let unit = text.chars().last().map(|last| last.to_ascii_lowercase()).filter(|last| units.contains(*last));
        let digits = if unit.is_some() { &text[..text.len() - 1] } else { text };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Malformed;
        }
        let scale = match unit {
            Some('k') => 1 << 10,
            Some('m') => 1 << 20,
            Some('g') => 1 << 30,
            _ => 1,
        };
        let bytes = digits.parse::<i64>().ok().and_then(|number| number.checked_mul(scale));
        bytes.and_then(|bytes| u64::try_from(bytes).ok()).map_or(Self::Overflow, Self::Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Annotations, NGINX_PREFIX};

    /// The annotations that nginx refuses, each with `!` if that is certain.
    fn refused(pairs: &[(&str, &str)]) -> String {
        let keys: Vec<String> = pairs.iter().map(|(name, _)| format!("{NGINX_PREFIX}{name}")).collect();
        let annotations: Annotations = keys.iter().zip(pairs).map(|(key, (_, value))| (&**key, *value)).collect();
        let found =
            NginxAnnotations(&annotations).refused_by_nginx(Some(Version::new(1, 15, 1)), SharedBuffers::default());
        let words =
            found.iter().map(|value| format!("{}{}", value.annotation, if value.is_certain { "!" } else { "" }));
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_are_refused_as_measured() {
        for (name, bad, good) in [
            ("proxy-buffer-size", &["0k", "0", "1g", "8 k"][..], &["1k", "8k", "64k", "4096", "8K ", "bad"][..]),
            ("proxy-buffers-number", &["-1", "0", "1", "2"], &["3", "4", "1000", "2147483648", "abc"]),
            ("proxy-busy-buffers-size", &["0", "1k", "16k", "24k", "100m"], &["8k", "4k", "12k", "bad"]),
            ("proxy-max-temp-file-size", &["1k"], &["0", "10k", "1024m", "1 k", "-1"]),
            ("proxy-body-size", &["99999999999999999999g", "8589934592g"], &["0", "1m", "1G", "8 m", "8589934591g"]),
            ("client-body-buffer-size", &["99999999999999999999k"], &["1M", "8 k", "1g"]),
            ("proxy-read-timeout", &["-1", "9223372036854776"], &["0", "5", "4294967296", "9223372036854775", "1h"]),
            ("proxy-next-upstream-timeout", &["-1"], &["0", "9999999999"]),
            ("proxy-next-upstream-tries", &["-1"], &["0", "3"]),
            ("limit-connections", &["99999999999", "65536"], &["5", "0", "-1", "65535"]),
            ("limit-rps", &[], &["-1", "0", "5"]),
            ("proxy-cookie-domain", &[], &["example.com", "off", "a.test b.test"]),
            ("proxy-cookie-path", &["bad", "/", "/a /b /c"], &["off", "/ /x"]),
            (
                "ssl-ciphers",
                &["NOPE", "!ALL", "HIGH NOPE"],
                &["HIGH", "ALL:!aNULL", "HIGH:NOPE", "ECDHE-RSA-AES128-GCM-SHA256"],
            ),
            ("custom-http-errors", &["499", "404, 499"], &["404", "503", "404,503", "498"]),
        ] {
            for value in bad {
                assert_eq!(refused(&[(name, value)]).trim_end_matches('!'), name, "{value}");
            }
            for value in good {
                assert_eq!(refused(&[(name, value)]), "", "{name} {value}");
            }
        }
    }

    #[test]
    fn sizes_of_buffers_depend_on_each_other() {
        let buffers = |size, count, busy| {
            refused(&[("proxy-buffer-size", size), ("proxy-buffers-number", count), ("proxy-busy-buffers-size", busy)])
        };
        assert_eq!(buffers("16k", "4", "24k"), "");
        assert_eq!(buffers("16k", "4", "8k"), "proxy-busy-buffers-size!");
        assert_eq!(buffers("16k", "4", "64k"), "proxy-busy-buffers-size!");
        assert_eq!(buffers("4k", "2", "4k"), "");
        // The ConfigMap may set other defaults.
        assert_eq!(refused(&[("proxy-busy-buffers-size", "16k")]), "proxy-busy-buffers-size");
        assert_eq!(refused(&[("proxy-busy-buffers-size", "0")]), "proxy-busy-buffers-size!");
        assert_eq!(
            refused(&[("proxy-max-temp-file-size", "8k"), ("proxy-buffer-size", "16k")]),
            "proxy-max-temp-file-size!"
        );
    }

    #[test]
    fn values_are_refused_only_where_they_are_written() {
        assert_eq!(refused(&[("limit-burst-multiplier", "0")]), "");
        assert_eq!(refused(&[("limit-burst-multiplier", "0"), ("limit-rps", "5")]), "limit-burst-multiplier!");
        assert_eq!(refused(&[("limit-burst-multiplier", "3"), ("limit-rps", "5")]), "");
        assert_eq!(refused(&[("auth-signin", "x y")]), "");
        assert_eq!(refused(&[("auth-signin", "x y"), ("auth-url", "http://a.example.com")]), "auth-signin!");
        let auth = ("auth-url", "http://a.example.com");
        assert_eq!(refused(&[("auth-request-redirect", "a b"), auth]), "auth-request-redirect!");
        let secret = ("auth-tls-secret", "shop/ca");
        assert_eq!(refused(&[("auth-tls-error-page", "a b"), secret]), "auth-tls-error-page");
        assert_eq!(refused(&[("auth-tls-verify-depth", "-1"), secret]), "auth-tls-verify-depth");
    }
}
