//! The forms of annotation values in ingress-nginx, and the problem of a value in another form.
//!
//! If versions differ, the most permissive counts: a value that any version from 1.12 on accepts is not reported.

use std::fmt;
// Not that of `std`: nothing here opens a socket.
use core::net::IpAddr;

use crate::finding::Quoted;

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A boolean by Go's `strconv.ParseBool`.
    Bool,
    /// A whole number.
    Int,
    /// A whole number and `b`, `k`, `m` or `g`.
    Size,
    /// A number of seconds, 0 or not, as text.
    Seconds,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text with one of these words in it, because the validator does not look at the rest.
    Containing(&'static [&'static str]),
    /// One of these words, in any case.
    AnyCase(&'static [&'static str]),
    /// Some of these words with spaces between.
    Words(&'static [&'static str]),
    /// Letters, digits and these characters.
    Chars(&'static str),
    /// As `Chars`, a list that may have line breaks.
    List(&'static str),
    /// Names of headers, commas between.
    Headers,
    /// Origins such as `https://*.example.com`, commas between.
    Origins,
    /// Addresses and ranges of addresses, commas between.
    Cidrs,
    /// Status codes from 400 to 599, commas between.
    Codes,
    /// Status codes and then how long, as `200 202 30m`; commas between several.
    CacheDuration,
    /// A URL with scheme and host; variables of nginx may be in it.
    AuthUrl,
    /// A URL.
    Url,
    /// A URL whose scheme is http or https.
    HttpUrl,
    /// A path that begins with `/`; captures may be in it.
    RootPath,
    /// A name of a server, perhaps a wildcard or a pattern.
    ServerName,
    /// Several of them, commas between.
    ServerNames,
    /// `CN=` and a pattern.
    CommonName,
    /// The name of a Service.
    Service,
    /// `name` or `namespace/name`.
    Reference,
    /// `namespace/name`.
    Qualified,
    /// Any text, of any number of lines.
    Text,
}

/// The problem of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaw(What);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Is(&'static str),
    Holds(char),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            What::Is(not) => write!(f, "is {not}"),
            What::Holds(' ') => f.write_str("may not contain a space"),
            What::Holds(character) => write!(f, "may not contain {:?}", character.to_string()),
        }
    }
}

/// The characters of a name besides letters and digits (`parser/validators.go`, `alphaNumericChars`). The validator removes
/// spaces first, here and below.
pub(crate) const NAME: &str = "-._~/: ";
/// In a URL.
pub(crate) const URL: &str = "-._~/:,?&= ";
/// In a URL with variables.
pub(crate) const URL_WITH_VARIABLES: &str = "-._~/:,?&=$ ";
/// In a path with captures.
pub(crate) const PATH: &str = "-._~/:$";
/// In a text that contains variables.
pub(crate) const VARIABLES: &str = "-_${} ";
/// In a list of headers.
const HEADERS: &str = "-_, ";
/// In a pattern.
pub(crate) const PATTERN: &str = "-._~/:^$[](){}*+?|&=\\";

/// Returns the flaw of a value that is not what its form requires.
const fn unless(is_so: bool, not: &'static str) -> Option<Flaw> {
    if is_so { None } else { Some(Flaw(What::Is(not))) }
}

impl Form {
    /// Returns why the controller's validator rejects a value that is not empty.
    #[must_use]
    pub fn refused(self, value: &str) -> Option<Flaw> {
        match self {
            Self::Bool => unless(go_bool(value).is_some(), "not true or false"),
            Self::Int => unless(is_int(value), "not an integer"),
            Self::Size => unless(is_size(&without_spaces(value)), "not a size"),
            Self::Seconds => unless(is_seconds(&without_spaces(value)), "not a number of seconds"),
            Self::Word(words) => unless(words.contains(&value.trim()), "not an allowed value"),
            Self::Containing(words) => {
                let packed = without_spaces(value);
                unless(words.iter().any(|word| packed.contains(word)), "not an allowed value")
            }
            Self::AnyCase(words) => unless(words.contains(&&*value.trim().to_lowercase()), "not an allowed value"),
            Self::Words(words) => {
                unless(value.split_whitespace().all(|word| words.contains(&word)), "not a list of allowed words")
            }
            Self::Chars(extra) | Self::List(extra) => chars(value, extra),
            Self::Headers => chars(value, HEADERS),
            Self::Origins => unless(without_spaces(value).split(',').all(is_origin), "not a list of origins"),
            Self::Cidrs => unless(value.split(',').all(|range| is_range(range.trim())), "not a list of CIDR ranges"),
            Self::Codes => unless(is_codes(&without_spaces(value)), "not a list of codes from 400 to 599"),
            Self::CacheDuration => chars(value, "-._~/:, "),
            Self::AuthUrl => chars(value, URL_WITH_VARIABLES),
            Self::Url | Self::HttpUrl => chars(value, "-._~/:,?&="),
            Self::RootPath => chars(value, PATH),
            Self::ServerName => chars(value.trim(), PATTERN),
            Self::ServerNames => value.split(',').find_map(|name| chars(name.trim(), PATTERN)),
            Self::CommonName => {
                unless(value.strip_prefix("CN=").is_some_and(may_be_go_regex), "not CN= with a valid pattern")
            }
            Self::Service => unless(is_dns_1035(value), "not a Service name that ingress-nginx accepts (RFC 1035)"),
            Self::Reference | Self::Qualified => chars(value, NAME),
            Self::Text => None,
        }
    }

    /// Returns why the controller cannot parse a value that is not empty, validated or not.
    #[must_use]
    pub fn unread(self, value: &str) -> Option<Flaw> {
        // What is read as text is trimmed first, what is read as a boolean or a number is not.
        let text = value.trim();
        let parts = text.matches('/').count() + 1;
        match self {
            Self::Headers => unless(text.split(',').all(is_header), "not a comma-separated list of header names"),
            // The validator ignores spaces and a trailing comma; the parser trims each code only.
            Self::Codes => {
                unless(text.split(',').all(|code| is_int(code.trim())), "not a comma-separated list of codes")
            }
            Self::CacheDuration => unless(is_cache_duration(text), "not a list of codes with a duration"),
            Self::AuthUrl => unless(is_url_with_host(text), "not a URL with scheme and host"),
            Self::HttpUrl => unless(is_http_url(text), "not an http or https URL"),
            Self::RootPath => unless(text.starts_with('/'), "not a path that begins with /"),
            Self::Reference => unless(parts <= 2, "neither name nor namespace/name"),
            Self::Qualified => unless(parts == 2, "not of the form namespace/name"),
            Self::Url => None,
            _ => self.refused(value),
        }
    }

    /// Returns whether a line break can only be a mistake: lists may have several lines.
    #[must_use]
    pub const fn is_one_line(self) -> bool {
        !matches!(self, Self::Text | Self::List(_) | Self::Headers | Self::Origins | Self::Cidrs | Self::ServerNames)
    }

    /// Returns the value that was certainly intended.
    #[must_use]
    pub fn fixed(self, value: &str) -> Option<String> {
        let fixed = match self {
            Self::Bool => match &*value.trim().to_ascii_lowercase() {
                "true" | "yes" | "on" | "y" => "true".to_owned(),
                "false" | "no" | "off" | "n" => "false".to_owned(),
                _ => return None,
            },
            Self::Codes => without_spaces(value).trim_end_matches(',').to_owned(),
            Self::Cidrs => value.trim().trim_end_matches(',').to_owned(),
            _ => return None,
        };
        (!fixed.is_empty() && self.refused(&fixed).is_none() && self.unread(&fixed).is_none()).then_some(fixed)
    }

    /// Returns how to write a value of this form.
    #[must_use]
    pub fn wanted(self) -> String {
        match self {
            Self::Bool => "use \"true\" or \"false\"".to_owned(),
            Self::Int => "use a number without unit, such as 10".to_owned(),
            Self::Size => "use a number with k, m or g, such as 8m".to_owned(),
            Self::Seconds => "use a number of seconds, such as 60".to_owned(),
            Self::Word([word]) => format!("use {word}"),
            Self::Word(words) | Self::Containing(words) | Self::AnyCase(words) => {
                format!("use one of {}", words.join(", "))
            }
            Self::Words(_) => "use the parameters of the nginx directive, separated by spaces".to_owned(),
            Self::Chars(extra) | Self::List(extra) => {
                format!("use letters, digits and {}", Quoted(extra.trim_end()))
            }
            Self::Headers => "use header names separated by commas".to_owned(),
            Self::Origins => "use https://app.example.com, without a path".to_owned(),
            Self::Cidrs => "use CIDR ranges separated by commas, such as 10.0.0.0/8".to_owned(),
            Self::Codes => "use codes such as 404,503".to_owned(),
            Self::CacheDuration => "use codes and a duration, such as 200 202 30m".to_owned(),
            Self::AuthUrl => "use a URL such as http://service.namespace.svc.cluster.local/path".to_owned(),
            Self::Url | Self::HttpUrl => "use https://host/path".to_owned(),
            Self::RootPath => "use a path that begins with /".to_owned(),
            Self::ServerName | Self::ServerNames => "use host names".to_owned(),
            Self::CommonName => "use the form CN=pattern".to_owned(),
            Self::Service => "use a Service of this namespace whose name begins with a letter".to_owned(),
            Self::Reference => "use the form name or namespace/name".to_owned(),
            Self::Qualified => "use the form namespace/name".to_owned(),
            Self::Text => String::new(),
        }
    }
}

/// Parses a boolean as Go's `strconv.ParseBool` does.
#[must_use]
pub fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Returns the first character that is neither a letter, a digit nor one of these.
fn chars(value: &str, extra: &str) -> Option<Flaw> {
    value.chars().find(|c| !c.is_ascii_alphanumeric() && !extra.contains(*c)).map(|found| Flaw(What::Holds(found)))
}

/// Go's `strconv.Atoi`.
fn is_int(value: &str) -> bool {
    value.parse::<i64>().is_ok()
}

fn without_spaces(value: &str) -> String {
    value.replace(' ', "")
}

fn is_size(value: &str) -> bool {
    let digits = value.strip_suffix(['b', 'B', 'k', 'K', 'm', 'M', 'g', 'G']).unwrap_or(value);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `(^0|-?[1-9]\d*$)`, which is anchored at one end only.
fn is_seconds(value: &str) -> bool {
    let digits = value.len() - value.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    value.starts_with('0') || value[value.len() - digits..].bytes().any(|byte| byte != b'0')
}

/// The name of a header, or an empty place in a list of them.
fn is_header(text: &str) -> bool {
    text.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// `([a-z]+://)?(\*\.)?[A-Za-z0-9\-.]*(:\d+)?`, or `*`.
fn is_origin(text: &str) -> bool {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_lowercase()) => rest,
        _ => text,
    };
    let rest = rest.strip_prefix("*.").unwrap_or(rest);
    let (host, port) = rest.split_once(':').unwrap_or((rest, "0"));
    let is_host = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    text == "*" || (is_host && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// An address, or one with a prefix length (Go's `net.ParseCIDR`, else `net.ParseIP`).
fn is_range(text: &str) -> bool {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    length.is_none_or(|length| {
        length.bytes().all(|byte| byte.is_ascii_digit()) && length.parse::<u32>().is_ok_and(|length| length <= most)
    })
}

/// `^(?:[4,5]\d{2},?)*$`
fn is_codes(packed: &str) -> bool {
    let mut rest = packed.as_bytes();
    while let [b'4' | b'5' | b',', b'0'..=b'9', b'0'..=b'9', tail @ ..] = rest {
        rest = tail.strip_prefix(b",").unwrap_or(tail);
    }
    rest.is_empty()
}

/// Each of several: codes first, then at least one duration (`ValidCacheDuration`).
fn is_cache_duration(value: &str) -> bool {
    let is_code = |word: &str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_duration = |word: &str| {
        let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
        unit.len() < word.len() && ["ms", "s", "m", "h", "d", "w", "M", "y"].contains(&unit)
    };
    let is_valid = |part: &str| {
        let mut words = part.split(' ').filter(|word| !word.is_empty()).skip_while(|word| !is_duration(word));
        words.next().is_some() && !words.any(is_code)
    };
    value.split(',').map(str::trim).filter(|part| !part.is_empty()).all(is_valid)
}

/// `StringToURL` of `parser/main.go`.
fn is_url_with_host(value: &str) -> bool {
    value.split_once("://").is_some_and(|(scheme, rest)| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        is_scheme && !host.is_empty() && !host.contains("..") && !host.contains(' ')
    })
}

/// Returns whether Go's `regexp` may compile a pattern. Only errors that are certain count: brackets that do not match,
/// nothing to repeat, a backslash at the end, and what RE2 lacks.
fn may_be_go_regex(pattern: &str) -> bool {
    const LACKS: [&str; 4] = ["(?=", "(?!", "(?<=", "(?<!"];
    // `\Q` makes everything after it literal.
    if pattern.contains("\\Q") {
        return true;
    }
    let (mut depth, mut in_class, mut at_start) = (0_usize, false, true);
    let mut bytes = pattern.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        let rest = &pattern.as_bytes()[at..];
        let begins = std::mem::replace(&mut at_start, false);
        match byte {
            b'\\' => match bytes.next() {
                None | Some((_, b'1'..=b'9')) => return false,
                Some(_) => {}
            },
            b']' if in_class => in_class = false,
            // A bracket that comes first is a member, as are those of `[:alpha:]`.
            b'[' if !in_class || rest.starts_with(b"[:") => {
                let first = rest[1..].strip_prefix(b"^").unwrap_or(&rest[1..]);
                if in_class || first.starts_with(b"]") {
                    return true;
                }
                in_class = true;
            }
            _ if in_class => {}
            b'(' => {
                if LACKS.iter().any(|lacks| rest.starts_with(lacks.as_bytes())) {
                    return false;
                }
                depth += 1;
                // A `?` after it begins a group with flags or a name.
                at_start = !rest.starts_with(b"(?");
            }
            b')' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            b'|' => at_start = true,
            b'*' | b'+' | b'?' if begins => return false,
            _ => {}
        }
    }
    depth == 0 && !in_class
}

fn is_http_url(value: &str) -> bool {
    let scheme = value.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| scheme.starts_with("http"))
}

fn is_dns_1035(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(allowed)
}
