//! Parses a URL like a browser and keeps the parts that reach a controller.

use thiserror::Error;
use url::Url;

use crate::routing::Scheme;

/// The longest request line that nginx accepts (`large_client_header_buffers`), in bytes.
const LONGEST: usize = 8 << 10;
/// The longest DNS name, in bytes (RFC 1035).
const LONGEST_HOST: usize = 253;

/// The URL of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestUrl {
    /// HTTP or HTTPS.
    pub scheme: Scheme,
    /// The host as it is sent, e.g. `xn--bcher-kva.example`.
    pub host: String,
    /// The path as it is sent, percent-encoded.
    pub path: String,
    /// The query as it is sent, which redirects keep.
    pub query: Option<String>,
    /// Assumptions about the URL, and parts of it without effect.
    pub notes: Vec<String>,
}

/// The reason why a text is not the URL of a request to a controller.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RequestUrlError {
    /// It is longer than nginx accepts.
    #[error("the URL has {0} bytes, nginx returns 414 from {LONGEST} bytes on")]
    TooLong(usize),
    /// The host is longer than a DNS name can be.
    #[error("the host has {0} bytes, a DNS name has {LONGEST_HOST} at most")]
    LongHost(usize),
    /// Another scheme.
    #[error("Ingresses do not serve {0}:// URLs; use http:// or https://")]
    Scheme(String),
    /// A wildcard, which matches several hosts.
    #[error("{0} is a wildcard; use one of the hosts that it matches")]
    Wildcard(String),
    /// Not a URL.
    #[error("{0:?} is not a valid URL: {1}; use the form https://app.example.com/path")]
    Malformed(String, url::ParseError),
}

impl RequestUrl {
    /// Parses a URL. Without a scheme it is HTTPS.
    ///
    /// # Errors
    /// If a browser would not send it to a controller.
    pub fn read(text: &str) -> Result<Self, RequestUrlError> {
        if text.len() > LONGEST {
            return Err(RequestUrlError::TooLong(text.len()));
        }
        if text.starts_with('/') {
            return Err(RequestUrlError::Malformed(text.to_owned(), url::ParseError::EmptyHost));
        }
        let mut notes = Vec::new();
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            notes.push("no scheme given, https assumed".to_owned());
            format!("https://{text}")
        };
        let url = Url::parse(&with_scheme).map_err(|error| RequestUrlError::Malformed(text.to_owned(), error))?;
        // Percent-encoding can make it longer.
        if url.as_str().len() > LONGEST {
            return Err(RequestUrlError::TooLong(url.as_str().len()));
        }
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(RequestUrlError::Scheme(other.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            notes.push("user and password have no effect on routing".to_owned());
        }
        if let Some(port) = url.port() {
            notes.push(format!("port {port} has no effect: controllers route by host name"));
        }
        if url.fragment().is_some() {
            notes.push("the part after # is not sent".to_owned());
        }
        // http and https URLs always have a host.
        let host = url.host_str().unwrap_or_default().to_owned();
        if host.len() > LONGEST_HOST {
            return Err(RequestUrlError::LongHost(host.len()));
        }
        if host.contains('*') {
            return Err(RequestUrlError::Wildcard(host));
        }
        Ok(Self { scheme, host, path: url.path().to_owned(), query: url.query().map(str::to_owned), notes })
    }

    /// The URL without the parts that have no effect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme.name(), self.host, self.target())
    }

    /// Path and query, as the request line has them.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_browsers_read_them() {
        for (text, url, notes) in [
            ("https://app.example.com/api", "https://app.example.com/api", 0),
            ("http://app.example.com", "http://app.example.com/", 0),
            ("app.example.com/api", "https://app.example.com/api", 1),
            ("app.example.com:8443", "https://app.example.com/", 2),
            ("https://alice:secret@app.example.com/?q=1#top", "https://app.example.com/?q=1", 2),
            ("HTTPS://APP.Example.com/Api", "https://app.example.com/Api", 0),
            ("https://bücher.example/ä b", "https://xn--bcher-kva.example/%C3%A4%20b", 0),
            ("https://app.example.com/a/../b/./c", "https://app.example.com/b/c", 0),
            ("https://app.example.com:443/", "https://app.example.com/", 0),
            ("https://app.example.com\\api", "https://app.example.com/api", 0),
            ("https://[2001:db8::1]/", "https://[2001:db8::1]/", 0),
            ("https://192.0.2.1/", "https://192.0.2.1/", 0),
        ] {
            let request = RequestUrl::read(text).unwrap();
            assert_eq!((request.url().as_str(), request.notes.len()), (url, notes), "{text}: {request:?}");
        }
    }

    #[test]
    fn urls_that_no_browser_would_send_are_rejected() {
        for text in ["https://", "https:///", "https://a b/", "https://a:99999/", "https://[::1", "", "/api"] {
            let error = RequestUrl::read(text).map(|request| request.url());
            assert!(matches!(error, Err(RequestUrlError::Malformed(..))), "{text}: {error:?}");
        }
        assert_eq!(RequestUrl::read("https://*.a.b/"), Err(RequestUrlError::Wildcard("*.a.b".to_owned())));
        assert_eq!(RequestUrl::read(&format!("http://a/{}", "ä".repeat(3000))), Err(RequestUrlError::TooLong(18_009)));
        assert_eq!(RequestUrl::read(&"a.".repeat(150)), Err(RequestUrlError::LongHost(300)));
        assert_eq!(RequestUrl::read("ftp://app.example.com/"), Err(RequestUrlError::Scheme("ftp".to_owned())));
        assert_eq!(RequestUrl::read(&format!("https://a/{}", "b".repeat(9000))), Err(RequestUrlError::TooLong(9010)));
    }
}
