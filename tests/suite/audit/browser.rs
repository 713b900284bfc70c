//! The page in a real browser, driven as a person would: keys and clicks, over Chromium's own protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{WORLD, page_of, refreshed_page_of};
use crate::skipped::skipped;

/// The path of Chromium. `None` if it is not installed: the test is recorded as skipped, which fails in CI.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file());
    if found.is_none() {
        skipped("the HTML report in a browser: Chromium not found (Debian: apt-get install chromium)");
    }
    found
}

/// A browser with one page open.
struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: String,
    sent: u64,
    /// What went wrong in the page: exceptions, refusals of its policy.
    complaints: Vec<String>,
    folder: TempDir,
}

impl Browser {
    fn open(page: &str) -> Option<Self> {
        let program = chromium()?;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.html");
        std::fs::write(&file, page).unwrap();
        // It reads commands from descriptor 3 and answers on 4, each ended by a zero byte.
        let script = "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .arg(program)
            .args([
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-dev-shm-usage",
            ])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut browser = Self { child, to, from, session: String::new(), sent: 0, complaints: Vec::new(), folder };
        let target = browser.send("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let attached = browser.send("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.send(domain, &json!({}));
        }
        let url = format!("file://{}", file.display());
        browser.send("Page.navigate", &json!({"url": url}));
        browser.until("document.documentElement?.dataset.ready !== undefined");
        Some(browser)
    }

    /// Send a command and wait for its answer.
    fn send(&mut self, method: &str, parameters: &Value) -> Value {
        self.call(method, parameters).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Result<Value, Value> {
        self.sent += 1;
        let mut command = json!({"id": self.sent, "method": method, "params": parameters});
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let mut message = Vec::new();
            self.from.read_until(0, &mut message).unwrap();
            assert_eq!(message.pop(), Some(0), "the browser has gone away at {method}");
            let mut message: Value = serde_json::from_slice(&message).unwrap();
            if message["id"] == self.sent {
                return if message["error"].is_null() {
                    Ok(message["result"].take())
                } else {
                    Err(message["error"].take())
                };
            }
            if matches!(message["method"].as_str(), Some("Runtime.exceptionThrown" | "Log.entryAdded")) {
                self.complaints.push(message["params"].to_string());
            }
        }
    }

    /// What an expression comes to in the page; an error where the page was left meanwhile.
    fn evaluate(&mut self, expression: &str) -> Result<Value, Value> {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", &parameters)?;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        Ok(answer["result"]["value"].take())
    }

    /// All the text of what this selects. Not `innerText`: it contains only what is drawn, and lines outside the
    /// visible part are not drawn.
    fn text(&mut self, selector: &str) -> String {
        let answer = self.evaluate(&format!("document.querySelector({}).textContent", json!(selector))).unwrap();
        answer.as_str().unwrap_or_default().to_owned()
    }

    /// Wait until what this selects says these words.
    fn until_it_says(&mut self, selector: &str, words: &str) {
        self.until(&format!("document.querySelector({}).textContent.includes({})", json!(selector), json!(words)));
    }

    /// Wait until an expression is true: it is asked again with each frame that is drawn.
    fn until(&mut self, expression: &str) {
        let wait = format!(
            "new Promise((done) => {{ let left = 1200; const look = () => ({expression}) ? done(true) : left-- > 0 ? \
             requestAnimationFrame(look) : done(false); look(); }})"
        );
        // Once for a page that is just being left.
        let is_so = self.evaluate(&wait).or_else(|_| self.evaluate(&wait));
        assert_eq!(is_so, Ok(json!(true)), "never true: {expression}; {:?}", self.complaints);
    }

    /// Click in the middle of what this selects, with a mouse, once it rests there: lines above it that are drawn
    /// for the first time push it away.
    fn click(&mut self, selector: &str) {
        let place = format!(
            "new Promise((done) => {{ let before = ''; const look = () => {{ const it = document.querySelector({}); \
             it.scrollIntoView({{block: 'center'}}); const at = it.getBoundingClientRect(); \
             const place = [at.x + at.width / 2, at.y + at.height / 2]; \
             if (String(place) === before && it.contains(document.elementFromPoint(...place))) return done(place); \
             before = String(place); requestAnimationFrame(look); }}; look(); }})",
            json!(selector)
        );
        let place = self.evaluate(&place).unwrap();
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let parameters = json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "buttons": buttons,
                                    "clickCount": 1});
            self.send("Input.dispatchMouseEvent", &parameters);
        }
    }

    /// Type into whatever has the focus.
    fn keys(&mut self, text: &str) {
        self.send("Input.insertText", &json!({"text": text}));
    }

    fn press(&mut self, key: &str, code: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let parameters = json!({"type": kind, "key": key, "windowsVirtualKeyCode": code, "text": text});
            self.send("Input.dispatchKeyEvent", &parameters);
        }
    }

    fn assert_content(&self) {
        assert!(self.complaints.is_empty(), "{:#?}", self.complaints);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It and all its processes end when the pipe does; the folder is theirs until then.
        let _ = self.call("Browser.close", &json!({}));
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = &self.folder;
    }
}

#[test]
fn searching_filtering_and_following_links_works() {
    let Some(mut browser) = Browser::open(&page_of(&WORLD)) else { return };
    let all = browser.text("#finding-status");
    // The slash goes to the search, as its label says.
    browser.press("/", 191, "/");
    browser.until("document.activeElement.id === 'finding-search'");
    browser.keys("wish service");
    browser.until("document.querySelectorAll('#finding-table tbody tr').length === 1");
    browser.until_it_says("#finding-status", "1 of ");
    browser.until_it_says("#finding-table tbody", "Service \"wish\" does not exist");

    // From the finding to its Ingress on the map: that one and no other.
    browser.click("#finding-table tbody td:nth-child(3) a");
    browser.until("document.querySelector('#map-search').value === 'ingress:shop/storefront-2'");
    browser.until("document.activeElement.id === 'map-title'");
    browser.until_it_says("#map-status", "1 of 8 hosts, 2 paths");
    for words in ["served by shop/storefront", "the Service does not exist", "2 of 5 paths"] {
        browser.until_it_says("#hosts", words);
    }

    // And back, to all of its findings.
    browser.click("#hosts td:nth-child(2) a");
    browser.until("document.querySelector('#finding-search').value === 'ingress:shop/storefront-2'");
    browser.until("/^[23] of /.test(document.querySelector('#finding-status').textContent)");
    browser.evaluate("history.back()").unwrap();
    browser.until("location.hash === '#/map/shop/storefront-2'");

    browser.click("#finding-clear");
    browser.until_it_says("#finding-status", &all);
    browser.assert_content();
}

#[test]
fn each_finding_has_a_link_of_its_own() {
    let Some(mut browser) = Browser::open(&page_of(&WORLD)) else { return };
    browser.evaluate("location.hash = '#/finding/IG201/shop/storefront-2'").unwrap();
    browser.until("document.querySelectorAll('#finding-table tbody tr').length === 1");
    browser.until_it_says("#finding-table tbody", "Service \"wish\" does not exist");
    browser.click("#finding-clear");
    let own = "a[href='#/finding/IG201/shop/storefront-2']";
    browser.evaluate("location.hash = ''").unwrap();
    browser.click(&format!("#finding-table {own}"));
    browser.until("document.querySelectorAll('#finding-table tbody tr').length === 1");
    browser.until("document.querySelector('#finding-code').value === 'IG201'");
    browser.assert_content();
}

#[test]
fn the_live_page_is_loaded_again_with_its_filters() {
    let Some(mut browser) = Browser::open(&refreshed_page_of(&WORLD, Some(1))) else { return };
    browser.evaluate("(window.first = true, document.querySelector('#finding-search').focus())").unwrap();
    browser.keys("wish service");
    browser.until("document.querySelectorAll('#finding-table tbody tr').length === 1");
    // Not while the search has the focus.
    browser.until("performance.now() > 2000");
    assert_eq!(browser.evaluate("window.first"), Ok(json!(true)));
    browser.evaluate("document.activeElement.blur()").unwrap();
    browser.until("window.first === undefined && document.documentElement?.dataset.ready !== undefined");
    browser.until("document.querySelector('#finding-search').value === 'wish service'");
    browser.until_it_says("#finding-status", "1 of ");
    browser.assert_content();
}

#[test]
fn lists_are_filtered_and_sorted_and_codes_explained() {
    let Some(mut browser) = Browser::open(&page_of(&WORLD)) else { return };
    browser.click(".card.deny a");
    browser.until("document.querySelector('#finding-level').value === 'deny'");
    let levels =
        "[...document.querySelectorAll('#finding-table tbody td:first-child')].map((cell) => cell.textContent)";
    browser.until(&format!("{levels}.length > 0 && {levels}.every((level) => level === 'deny')"));
    // A choice in a list, with the keyboard.
    browser.evaluate("document.querySelector('#finding-level').focus()").unwrap();
    browser.press("a", 65, "a");
    browser.until("document.querySelector('#finding-level').value !== 'deny'");
    browser.click("#finding-clear");
    browser.click("[data-sort=code]");
    let sorted = "(() => { const codes = [...document.querySelectorAll('#finding-table tbody td:nth-child(2) a')].map((a) => \
                  a.textContent); return codes.length > 5 && codes.every((code, at) => at === 0 || codes[at - 1] <= code); })()";
    browser.until(sorted);
    browser.until("document.querySelector('[data-sort=code]').parentElement.ariaSort === 'ascending'");
    browser.until("document.querySelectorAll('[aria-sort]').length === 1");

    browser.click("#finding-table tbody td:nth-child(2) a");
    browser.until("/^#IG\\d+$/.test(location.hash) && document.activeElement.id === location.hash.slice(1) + '-title'");
    browser.until_it_says("article", "Not reported");

    browser.click("a[href='#/state/certificate']");
    browser.until("document.querySelector('#map-state').value === 'certificate'");
    browser.until("document.querySelectorAll('.host').length === 3");
    for words in ["✗ expired on 2026-11-10", "12 days ago", "! valid until 2026-12-01", "8 days left"] {
        browser.until_it_says("#hosts", words);
    }
    browser.assert_content();
}

/// On a telephone as on a desk: everything within its box, and nothing beyond the screen.
#[test]
fn nothing_is_cut_off() {
    let Some(mut browser) = Browser::open(&page_of(&WORLD)) else { return };
    for width in [400, 1280] {
        browser.send(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}),
        );
        let cut = browser.evaluate(
            "(() => { document.querySelectorAll('.host').forEach((host) => { host.style.contentVisibility = 'visible'; }); \
             const inside = (it) => it.getBoundingClientRect().right <= \
             (it.closest('.host') ?? document.documentElement).getBoundingClientRect().right + 1; \
             const all = [...document.querySelectorAll('#finding-table *, .counts *, .host *')]; \
             return all.filter((it) => !it.closest('.hidden') && !inside(it)).map((it) => it.textContent); })()",
        );
        assert_eq!(cut, Ok(json!([])), "at {width}");
    }
    browser.assert_content();
}

#[test]
fn ten_thousand_ingresses_stay_usable() {
    let Some(mut browser) = Browser::open(&page_of(&many(10_000))) else { return };
    let rows = browser.evaluate("document.querySelectorAll('tr, .host').length").unwrap();
    assert!(rows.as_u64().unwrap() < 2_000, "{rows} lines are drawn before they are visible");
    browser.until_it_says("#map-status", "10,000 hosts, 20,000 paths");
    browser.evaluate("document.querySelector('#map-search').focus()").unwrap();
    browser.keys("app-7777.");
    browser.until("document.querySelector('#map-status').textContent === '1 of 10,000 hosts, 2 paths'");
    // What is further down comes when it is scrolled to.
    browser.click("#map-clear");
    browser.until("document.querySelector('#map-status').textContent === '10,000 hosts, 20,000 paths'");
    browser.until(
        "(document.querySelector('#map-more').scrollIntoView(), document.querySelectorAll('.host').length > 300)",
    );
    browser.assert_content();
}

/// Ingresses with two paths, each with a problem.
fn many(count: usize) -> String {
    use std::fmt::Write as _;
    let mut yaml = String::from(
        "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}\n",
    );
    for n in 0..count {
        let path = |path: &str| json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}});
        let ingress = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": format!("web-{n}"), "namespace": format!("team-{}", n / 20)},
            "spec": {"ingressClassName": "nginx", "rules": [{"host": format!("app-{n}.example.com"), "http": {"paths": [path("/"), path("/api")]}}]},
        });
        let _ = write!(yaml, "---\n{ingress}\n");
    }
    yaml
}

#[test]
fn hostile_text_stays_text() {
    let Some(mut browser) = Browser::open(&page_of(super::page::HOSTILE)) else { return };
    let markup = "document.querySelectorAll('#hosts img, #hosts script, #hosts b, #finding-table img, #finding-table script').length";
    assert_eq!(browser.evaluate(markup), Ok(json!(0)));
    assert_eq!(browser.evaluate("document.querySelector('#hosts h3').textContent"), Ok(json!("<b>evil</b>")));
    // The policy blocks every other script, however it is inserted.
    let injected = "(() => { const script = document.createElement('script'); script.textContent = 'window.ran = 1'; \
                    document.body.append(script); return window.ran ?? 0; })()";
    assert_eq!(browser.evaluate(injected), Ok(json!(0)));
}
