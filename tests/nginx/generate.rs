//! Random worlds of few hosts and few paths, so that their Ingresses interact.

use proptest::prelude::*;
use proptest::sample::select;

use crate::requests::ask;
use crate::values::{TRIED, Tried};
use crate::world::{Backend, Ingress, Path, Port, Rule, Text, World};

const HOSTS: &[&str] = &[
    "",
    "app.example.com",
    "*.example.com",
    "a.b.example.com",
    "*.app.example.com",
    "example.com",
    "9.example.org",
    "*.example.org",
    "www.example.com",
];
const ALIASES: &[&str] = &[
    "alias.example.net",
    "*.example.net",
    "*.example.com",
    "b.example.com",
    "app.example.com",
    "*.org",
    "alias.example.net, *.net",
    "x.y.example.org,alias.example.net",
    "b.example.com,, b.example.com",
    "*.b.example.com",
    "9.example.org",
    "c.example.com,*.example.org",
    "alias.*",
    "app.*, *.example.net",
    ".example.net",
    ".b.example.com",
    ".app.example.com, .example.com",
    "www.example.com",
    r"~^al\w+\.example\.net$",
    r"~^([a-z]+)\.example\.",
    "~^",
    r"~org$,alias.*",
];
const TARGETS: &[&str] = &[
    "/",
    "/$1",
    "/$2",
    "/new/$1",
    "/new/backend",
    "$1",
    "$2",
    "$3",
    "/$1$2",
    "/$10",
    "/$9x",
    "new/$1",
    "http://other.example.com/$1",
    "https://other.example.com",
    "http:/half/$1",
    "https://$1",
    "/a b",
    "/x?y=1",
    "/${1}",
    "$scheme://$1",
    "https://$host/x",
    "https://new.example.com$request_uri",
    "",
    "/foo",
    "/a//b/../$2",
];

pub(crate) fn world() -> impl Strategy<Value = World> {
    let pools = (prop::collection::vec(select(HOSTS), 1..=3), prop::collection::vec(text(), 2..=5));
    pools
        .prop_flat_map(|(hosts, texts)| {
            let ingresses = prop::collection::vec(ingress(hosts, texts), 1..=6);
            (ingresses, prop::collection::vec(ask(), 20))
        })
        .prop_map(|(mut ingresses, asks)| {
            // Every Ingress has its own name.
            for (number, ingress) in ingresses.iter_mut().enumerate() {
                ingress.name = format!("{}{number}", ingress.name);
            }
            World { ingresses, asks }
        })
}

fn ingress(hosts: Vec<&'static str>, texts: Vec<Text>) -> impl Strategy<Value = Ingress> {
    let rules = prop_oneof![
        12 => prop::collection::vec(rule(hosts, texts.clone()), 1..=3),
        1 => Just(Vec::new()),
    ];
    let identity = (select(&["shop", "shop-2", "team"][..]), select(&["a", "m", "z", "a-"][..]), 0_u8..4);
    let redirects_www = prop::bool::weighted(0.04);
    let annotations =
        (annotations(texts), tried(), redirects_www).prop_map(|(mut annotations, tried, redirects_www)| {
            if redirects_www {
                annotations.push(("from-to-www-redirect", "true".to_owned()));
            }
            for (name, value) in tried {
                annotations.retain(|(of, _)| *of != name);
                annotations.push((name, value.to_owned()));
            }
            annotations
        });
    let may_crash = prop::bool::weighted(0.5);
    (identity, annotations, prop::option::weighted(0.15, backend()), rules, may_crash).prop_map(
        |((namespace, name, second), annotations, default_backend, rules, may_crash)| {
            // A canary with a rule without paths crashes the controller (section 6.4): not in many worlds.
            let is_canary =
                annotations.iter().any(|(name, value)| *name == "canary" && ["true", "True", "1"].contains(&&**value));
            let mut rules = rules;
            rules.retain(|rule| !is_canary || may_crash || !rule.paths.is_empty());
            // The API server requires rules or a default backend.
            let default_backend =
                default_backend.or(rules.is_empty().then_some(Backend::Service("web", Port::Number(80))));
            Ingress { namespace, name: name.to_owned(), second, annotations, default_backend, rules }
        },
    )
}

fn annotations(texts: Vec<Text>) -> impl Strategy<Value = Vec<(&'static str, String)>> {
    // Unknown variables and a `$` at the end (reload failures B5 and B6) do not concern locations.
    let paths = texts.into_iter().map(|text| text.path).filter(|path| !path.contains('$'));
    let equal_to_a_path: Vec<String> = paths.chain(["/".to_owned()]).collect();
    let target = prop_oneof![9 => select(TARGETS).prop_map(str::to_owned), 1 => select(equal_to_a_path)];
    let bools = select(&["true", "true", "true", "false", "True", "1", "yes", "on", "", "TRUE "][..]);
    let bools = || bools.clone().prop_map(str::to_owned);
    let of = |weight, name: &'static str, value: BoxedStrategy<String>| {
        prop::option::weighted(weight, value.prop_map(move |value| (name, value)))
    };
    let root = select(&["/home", "/", "/$1", "/$scheme/$host", "home", "http://other.example.com/", "/a b"][..])
        .prop_map(str::to_owned);
    let permanent = select(&["https://elsewhere.example.com/x", "/x", "//x", "elsewhere"][..]).prop_map(str::to_owned);
    let temporal = select(&["https://elsewhere.example.com/y", "//y", "/y"][..]).prop_map(str::to_owned);
    (
        of(0.15, "use-regex", bools().boxed()),
        of(0.2, "rewrite-target", target.boxed()),
        of(0.12, "canary", bools().boxed()),
        of(0.12, "server-alias", select(ALIASES).prop_map(str::to_owned).boxed()),
        of(0.04, "app-root", root.boxed()),
        of(0.04, "permanent-redirect", permanent.boxed()),
        of(0.02, "temporal-redirect", temporal.boxed()),
        of(0.02, "permanent-redirect-code", select(&["308", "200", "x"][..]).prop_map(str::to_owned).boxed()),
        of(0.01, "temporal-redirect-code", select(&["303", "308", "x"][..]).prop_map(str::to_owned).boxed()),
        of(0.02, "relative-redirects", bools().boxed()),
    )
        .prop_map(|(a, b, c, d, e, f, g, h, i, j)| [a, b, c, d, e, f, g, h, i, j].into_iter().flatten().collect())
}

/// None, one or two of the annotations whose values have been tried.
fn tried() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let one = (select(TRIED.iter().collect::<Vec<_>>()), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let one = one.prop_map(|(tried, values, value)| {
        let Tried { name, beside, values: all } = tried;
        let values = all[values.index(all.len())].1;
        beside.iter().copied().chain([(*name, values[value.index(values.len())])]).collect::<Vec<_>>()
    });
    let one = || one.clone().boxed();
    let two = (one(), one()).prop_map(|(mut one, other)| {
        // One that is read beside another has been tried with nothing else.
        if one.len() == 1 && other.len() == 1 && one[0].0 != other[0].0 {
            one.extend(other);
        }
        one
    });
    prop_oneof![84 => Just(Vec::new()), 12 => one(), 4 => two]
}

fn rule(hosts: Vec<&'static str>, texts: Vec<Text>) -> impl Strategy<Value = Rule> {
    let paths = prop_oneof![10 => prop::collection::vec(path(texts), 1..=4), 1 => Just(Vec::new())];
    (select(hosts), paths).prop_map(|(host, paths)| Rule { host, paths })
}

fn path(texts: Vec<Text>) -> impl Strategy<Value = Path> {
    let kind = prop_oneof![4 => Just("Prefix"), 2 => Just("Exact"), 3 => Just("ImplementationSpecific")];
    let text = (select(texts), 0_u8..48).prop_map(|(text, change)| text.changed(change));
    (text, kind, backend()).prop_map(|(text, kind, backend)| {
        let kind = if is_legal(&text.path) { kind } else { "ImplementationSpecific" };
        Path { text, kind, backend }
    })
}

/// Whether the API server accepts it for Exact and Prefix.
fn is_legal(path: &str) -> bool {
    let never = ["//", "/./", "/../", "%2f", "%2F"];
    path.starts_with('/')
        && !never.iter().any(|part| path.contains(part))
        && !path.ends_with("/..")
        && !path.ends_with("/.")
}

impl Text {
    /// Returns a slightly different path, so that paths almost match.
    fn changed(mut self, change: u8) -> Self {
        match change {
            0 | 1 => {
                self.path.push('/');
                self.samples = self.samples.iter().map(|sample| format!("{sample}/")).collect();
            }
            // PCRE1 reads `\\T` as a letter, PCRE2 rejects it.
            2 if !self.path.contains("\\t") => self.path = self.path.to_uppercase(),
            3 => {
                self.path.push('x');
                self.samples = self.samples.iter().map(|sample| format!("{sample}x")).collect();
            }
            4 if !self.path.is_empty() => "/".clone_into(&mut self.path),
            _ => {}
        }
        self
    }
}

fn backend() -> impl Strategy<Value = Backend> {
    const PORTS: [Port; 3] = [Port::Number(80), Port::Number(8080), Port::Name("http")];
    prop_oneof![
        40 => (select(&["web", "api", "docs"][..]), select(&PORTS[..])).prop_map(|(name, port)| Backend::Service(name, port)),
        2 => (select(&["gone", "idle"][..]), select(&PORTS[..])).prop_map(|(name, port)| Backend::Service(name, port)),
        2 => Just(Backend::Resource),
    ]
}

type Segment = (&'static str, &'static [&'static str]);

const PLAIN: &[Segment] = &[
    ("foo", &["foo"]),
    ("bar", &["bar"]),
    ("api", &["api"]),
    ("a", &["a"]),
    ("Foo", &["Foo", "foo"]),
    ("x-y_z", &["x-y_z"]),
    ("v1.2", &["v1.2", "v1x2"]),
    (".well-known", &[".well-known", "-well-known"]),
    ("foobar", &["foobar"]),
    ("~u", &["~u"]),
    ("c++", &["c++", "cc"]),
    ("foo.bar", &["foo.bar"]),
];
const ODD: &[Segment] = &[
    ("a b", &["a b"]),
    ("caf\u{e9}", &["caf\u{e9}", "CAF\u{c9}"]),
    ("%41", &["%41", "A"]),
    ("a%2Fb", &["a%2Fb", "a/b"]),
    ("$metadata", &["$metadata"]),
    ("{id}", &["{id}", "id"]),
    ("a;b", &["a;b"]),
    ("a#b", &["a#b"]),
    ("a'b", &["a'b"]),
    ("a\"b", &["a\"b"]),
    ("a\\b", &["a\\b", "a"]),
    ("a\\\\b", &["a\\b"]),
    ("\\\"q", &["\"q"]),
    ("\\n", &["\n", "\\n"]),
    ("t\\t", &["t\t"]),
    ("end\\", &["end", "end\\"]),
    ("", &["", "x"]),
    ("..", &["..", "xy"]),
    (".", &[".", "x"]),
    ("(", &["("]),
    ("[a", &["[a"]),
    ("(?<!v+)x", &["x"]),
    ("a{2,1}", &["aa"]),
    ("x)", &["x)"]),
    ("*", &["*", ""]),
    ("(?<uri>x)", &["x"]),
    ("(?<HOST>x)", &["x"]),
    ("(?<args>x)", &["x"]),
    ("(?<service_name>x)", &["x"]),
];
const PATTERNS: &[Segment] = &[
    ("[a-z]+", &["xyz", "XYZ"]),
    ("[0-9]{3}", &["123", "1234"]),
    ("(.*)", &["", "any/thing"]),
    (".+", &["z"]),
    (".*", &["", "q/r"]),
    ("(?<rest>.*)", &["", "r"]),
    ("(a|b)", &["a", "b"]),
    (r"\d+", &["7"]),
    (r"\w+\.html", &["index.html", "indexxhtml"]),
    ("(?:x|y)", &["x", "y"]),
    ("([^/]+)", &["seg"]),
    ("(?!foo)(.*)", &["bar", "foo"]),
    ("(?i)q", &["q", "Q"]),
    ("(a)|(b)", &["a", "b"]),
    (r"(a)\1", &["aa"]),
    ("id$", &["id", "idx"]),
    ("(a?)(b?)(c?)", &["", "ab", "c"]),
    (r"[\w-]+", &["w-w"]),
];
const ENDS: &[Segment] = &[
    ("", &[""]),
    ("", &[""]),
    ("", &[""]),
    ("/", &["/"]),
    ("(/|$)(.*)", &["", "/", "/x/y", "x"]),
    ("/?(.*)", &["", "/x", "x"]),
    ("/(.*)", &["/", "/x"]),
    ("$", &["", "x"]),
    ("|/alt", &["", "/alt"]),
    ("/*", &["", "//", "/*"]),
];

fn text() -> impl Strategy<Value = Text> {
    let segment = prop_oneof![60 => select(PLAIN), 1 => select(ODD), 10 => select(PATTERNS)];
    let end = prop_oneof![4 => Just(ENDS[0]), 2 => select(ENDS)];
    let made = (prop::collection::vec(segment, 1..=3), end).prop_map(|(segments, end)| {
        let mut made = Text { path: String::new(), samples: vec![String::new(), String::new(), String::new()] };
        for ((text, samples), slash) in segments.iter().map(|it| (it, "/")).chain([(&end, "")]) {
            made.path.push_str(slash);
            made.path.push_str(text);
            for (number, sample) in made.samples.iter_mut().enumerate() {
                sample.push_str(slash);
                sample.push_str(samples[number % samples.len()]);
            }
        }
        made
    });
    let plain = |path: &str| Just(Text { path: path.to_owned(), samples: vec![path.to_owned()] });
    // Not longer: before 1.23.4 nginx itself handles plain locations of more than 255 bytes incorrectly.
    let long = format!("/{}", "long".repeat(50));
    let too_long = [4088, 4089, 4090, 4091, 4092, 4093, 4100, 5000].map(|length| format!("/{}", "x".repeat(length)));
    let too_long = select(Vec::from(too_long)).prop_map(|path| Text { path, samples: vec!["/xx".to_owned()] });
    let dollars = plain(&format!("/{}$", "y$".repeat(240)));
    prop_oneof![100 => made, 10 => plain("/"), 5 => plain(""), 5 => plain("/foo"), 5 => plain(&long), 1 => too_long, 1 => dollars]
}
