//! URLs of `explain`.

use ingress_guard::explain::{RequestUrl, Style, explain_url};

use super::world::{CLUSTER, STRICT, assert_visible, state};

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let url = match RequestUrl::read(text) {
        Ok(url) => url,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(url.path.starts_with('/') && !url.path.contains([' ', '\n', '#', '?']), "{url:?}");
    assert!(url.host.is_ascii() && !url.host.is_empty(), "{url:?}");
    let again = RequestUrl::read(&url.url()).expect("a URL that was read can be read");
    assert_eq!((again.scheme, &again.host, &again.path), (url.scheme, &url.host, &url.path));
    let explanation = explain_url(&url, state(&CLUSTER), &STRICT.settings, None).expect("no class is given");
    for style in [Style::Plain, Style::Terminal] {
        let text = explanation.text(style);
        assert!(text.len() <= (64 << 10) + 20 * url.path.len(), "{} bytes", text.len());
    }
    assert_visible(&explanation.text(Style::Plain));
    assert!(explanation.exit_code() <= 2);
    serde_json::to_string(&explanation).expect("an explanation is JSON");
}
