//! The decoder of manifests against the results of `sigs.k8s.io/yaml` 1.6.0, which kubectl uses.

use ingress_guard::yaml::{Step, Tree};
use serde_json::Value;

/// A document and its JSON; `None`: it cannot be decoded.
#[rustfmt::skip]
const DECODED: &[(&str, Option<&str>)] = &[
    // booleans, null, and words that are neither
    ("a: yes\n", Some(r#"{"a":true}"#)),
    ("a: No\n", Some(r#"{"a":false}"#)),
    ("a: on\n", Some(r#"{"a":true}"#)),
    ("a: OFF\n", Some(r#"{"a":false}"#)),
    ("a: y\n", Some(r#"{"a":true}"#)),
    ("a: N\n", Some(r#"{"a":false}"#)),
    ("a: true\n", Some(r#"{"a":true}"#)),
    ("a: False\n", Some(r#"{"a":false}"#)),
    ("a: nUll\n", Some(r#"{"a":"nUll"}"#)),
    ("a: ~\n", Some(r#"{"a":null}"#)),
    ("a: null\n", Some(r#"{"a":null}"#)),
    ("a: NULL\n", Some(r#"{"a":null}"#)),
    ("a: yep\n", Some(r#"{"a":"yep"}"#)),
    ("a: \"yes\"\n", Some(r#"{"a":"yes"}"#)),
    ("a: 'no'\n", Some(r#"{"a":"no"}"#)),
    ("a:\n", Some(r#"{"a":null}"#)),
    ("a: ''\n", Some(r#"{"a":""}"#)),
    // numbers
    ("a: 0\n", Some(r#"{"a":0}"#)),
    ("a: -5\n", Some(r#"{"a":-5}"#)),
    ("a: +5\n", Some(r#"{"a":5}"#)),
    ("a: 0777\n", Some(r#"{"a":511}"#)),
    ("a: 0o17\n", Some(r#"{"a":15}"#)),
    ("a: 08\n", Some(r#"{"a":8}"#)),
    ("a: 0x1F\n", Some(r#"{"a":31}"#)),
    ("a: -0x10\n", Some(r#"{"a":-16}"#)),
    ("a: 0b101\n", Some(r#"{"a":5}"#)),
    ("a: 1_000\n", Some(r#"{"a":1000}"#)),
    ("a: 0x_1\n", Some(r#"{"a":1}"#)),
    ("a: _1\n", Some(r#"{"a":"_1"}"#)),
    ("a: 1__0\n", Some(r#"{"a":10}"#)),
    ("a: 1e3\n", Some(r#"{"a":1000}"#)),
    ("a: 1.5\n", Some(r#"{"a":1.5}"#)),
    ("a: 1.\n", Some(r#"{"a":1}"#)),
    ("a: .5\n", Some(r#"{"a":0.5}"#)),
    ("a: -.5\n", Some(r#"{"a":-0.5}"#)),
    ("a: 1e999\n", Some(r#"{"a":"1e999"}"#)),
    ("a: 80.0\n", Some(r#"{"a":80}"#)),
    ("a: 1e21\n", Some(r#"{"a":1e+21}"#)),
    ("a: .1_0\n", Some(r#"{"a":0.1}"#)),
    ("a: 18446744073709551615\n", Some(r#"{"a":18446744073709551615}"#)),
    ("a: 9223372036854775808\n", Some(r#"{"a":9223372036854775808}"#)),
    ("a: -0\n", Some(r#"{"a":0}"#)),
    ("a: 1.2.3\n", Some(r#"{"a":"1.2.3"}"#)),
    ("a: 0x\n", Some(r#"{"a":"0x"}"#)),
    ("a: 1e\n", Some(r#"{"a":"1e"}"#)),
    ("a: 12:30\n", Some(r#"{"a":"12:30"}"#)),
    ("a: \"80\"\n", Some(r#"{"a":"80"}"#)),
    // timestamps are text
    ("a: 2001-01-01\n", Some(r#"{"a":"2001-01-01"}"#)),
    ("a: 2001-01-01T00:00:00Z\n", Some(r#"{"a":"2001-01-01T00:00:00Z"}"#)),
    // tags
    ("a: !!str 5\n", Some(r#"{"a":"5"}"#)),
    ("a: !!int \"5\"\n", Some(r#"{"a":5}"#)),
    ("a: !!int x\n", None),
    ("a: !!float 1\n", Some(r#"{"a":1}"#)),
    ("a: !!bool yes\n", Some(r#"{"a":true}"#)),
    ("a: !!null \"\"\n", Some(r#"{"a":null}"#)),
    ("a: !!binary aGVsbG8=\n", Some(r#"{"a":"hello"}"#)),
    ("a: !!binary x\n", None),
    ("a: !!binary /w==\n", Some(r#"{"a":"�"}"#)),
    ("a: !custom 5\n", Some(r#"{"a":"5"}"#)),
    ("a: ! 5\n", Some(r#"{"a":"5"}"#)),
    ("a: !custom {b: c}\n", Some(r#"{"a":{"b":"c"}}"#)),
    ("a: !!set {b, c}\n", Some(r#"{"a":{"b":null,"c":null}}"#)),
    ("a: .inf\n", None),
    ("a: .nan\n", None),
    ("a: !!str\n", Some(r#"{"a":""}"#)),
    // keys
    ("404: a\n", Some(r#"{"404":"a"}"#)),
    ("0x10: a\n", Some(r#"{"16":"a"}"#)),
    ("1.5: a\n", Some(r#"{"1.5":"a"}"#)),
    ("1e6: a\n", Some(r#"{"1e+06":"a"}"#)),
    ("1.50: a\n", Some(r#"{"1.5":"a"}"#)),
    ("true: a\n", Some(r#"{"true":"a"}"#)),
    ("yes: a\n", Some(r#"{"true":"a"}"#)),
    ("on: a\n", Some(r#"{"true":"a"}"#)),
    ("~: a\n", None),
    ("18446744073709551615: a\n", None),
    ("[a]: b\n", None),
    ("{a: b}: c\n", None),
    ("? a\n: b\n", Some(r#"{"a":"b"}"#)),
    ("? a\n", Some(r#"{"a":null}"#)),
    ("{a, b: c}", Some(r#"{"a":null,"b":"c"}"#)),
    ("[a: b, c]", Some(r#"[{"a":"b"},"c"]"#)),
    ("\"a\": b\n", Some(r#"{"a":"b"}"#)),
    ("2001-01-01: a\n", Some(r#"{"2001-01-01":"a"}"#)),
    ("!!str 5: a\n", Some(r#"{"5":"a"}"#)),
    (".inf: a\n", Some(r#"{".inf":"a"}"#)),
    // repeated keys: the last counts
    ("a: 1\nb: 2\na: 3\n", Some(r#"{"a":3,"b":2}"#)),
    ("a: 1\n\"a\": 2\n", Some(r#"{"a":2}"#)),
    ("true: a\nyes: b\n", Some(r#"{"true":"b"}"#)),
    ("{a: {b: 1, b: 2}}", Some(r#"{"a":{"b":2}}"#)),
    // anchors, aliases and merge keys
    ("a: &x 1\nb: *x\n", Some(r#"{"a":1,"b":1}"#)),
    ("a: &x {b: 1}\nc: {<<: *x, d: 2}\n", Some(r#"{"a":{"b":1},"c":{"b":1,"d":2}}"#)),
    ("a: &x {b: 1}\nc: {b: 5, <<: *x}\n", Some(r#"{"a":{"b":1},"c":{"b":1}}"#)),
    ("a: &x {b: 1}\nc:\n  <<: *x\n  b: 7\n", Some(r#"{"a":{"b":1},"c":{"b":7}}"#)),
    ("a: &x {b: 1}\ne: &y {b: 2, z: 3}\nc: {<<: [*x, *y]}\n", Some(r#"{"a":{"b":1},"c":{"b":1,"z":3},"e":{"b":2,"z":3}}"#)),
    ("c: {<<: {a: 1}}\n", Some(r#"{"c":{"a":1}}"#)),
    ("c: {<<: 1}\n", None),
    ("c: {<<: [1]}\n", None),
    ("c: {\"<<\": {a: 1}}\n", Some(r#"{"c":{"<<":{"a":1}}}"#)),
    ("<<: {a: 1}\n<<: {b: 2}\n", Some(r#"{"a":1,"b":2}"#)),
    ("a: &x [*x]\n", None),
    ("a: *x\n", None),
    ("&k a: 1\nb: *k\n", Some(r#"{"a":1,"b":"a"}"#)),
    ("a: &x k\n*x : v\n", Some(r#"{"a":"k","k":"v"}"#)),
    ("a: &x [1]\n*x : v\n", None),
    ("a: &x\nb: *x\n", Some(r#"{"a":null,"b":null}"#)),
    ("a: &x 1\nb: &x 2\nc: *x\n", Some(r#"{"a":1,"b":2,"c":2}"#)),
    ("a: &x !!str 5\nb: *x\n", Some(r#"{"a":"5","b":"5"}"#)),
    // documents
    ("", Some("null")),
    ("# only a comment\n", Some("null")),
    ("---\n", Some("null")),
    ("---\n# x\na: 1\n", Some(r#"{"a":1}"#)),
    ("a: 1\n...\nb: 2\n", Some(r#"{"a":1}"#)),
    ("%YAML 1.1\n---\na: 1\n", Some(r#"{"a":1}"#)),
    ("\u{feff}a: 1\n", Some(r#"{"a":1}"#)),
    ("a: 1\r\nb: |\r\n  x\r\n  y\r\n", Some(r#"{"a":1,"b":"x\ny\n"}"#)),
    ("x\n", Some(r#""x""#)),
    ("[]\n", Some("[]")),
    ("- a\n", Some(r#"["a"]"#)),
    // comments and blanks
    ("a: 1 # c\n# d\nb: 2\n", Some(r#"{"a":1,"b":2}"#)),
    ("a: x#c\n", Some(r#"{"a":"x#c"}"#)),
    ("a: '#'\n", Some(r##"{"a":"#"}"##)),
    ("a:\n-\n  # c\n  b: 1\n", Some(r#"{"a":[{"b":1}]}"#)),
    ("a: |\n  x\n  # c\nb: 1\n", Some(r#"{"a":"x\n# c\n","b":1}"#)),
    ("a: |\n  x\n # c\nb: 1\n", Some(r#"{"a":"x\n","b":1}"#)),
    ("a: 1\t# c\n", Some(r#"{"a":1}"#)),
    ("a: x\ty\n", Some(r#"{"a":"x\ty"}"#)),
    ("a: [1,\t2]\n", Some(r#"{"a":[1,2]}"#)),
    ("a:\n-\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  b: 1\n", Some(r#"{"a":[{"b":1}]}"#)),
    ("a:\n  b: 1\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  # c\n  c: 2\n", Some(r#"{"a":{"b":1,"c":2}}"#)),
    // scalars of several lines
    ("a: b\n c\n", Some(r#"{"a":"b c"}"#)),
    ("a: |\n x\n", Some(r#"{"a":"x\n"}"#)),
    ("a: |+\n x\n\n\nb: 1\n", Some(r#"{"a":"x\n\n\n","b":1}"#)),
    ("a: |-\n x\n\nb: 1\n", Some(r#"{"a":"x","b":1}"#)),
    ("a: >\n x\n y\n\n z\n", Some(r#"{"a":"x y\nz\n"}"#)),
    ("a: |2\n   x\n", Some(r#"{"a":" x\n"}"#)),
    ("a: |\n    \n  x\n", None),
    ("a: \"x\\\n   y\"\n", Some(r#"{"a":"xy"}"#)),
    ("a: 'x\n\n  y'\n", Some(r#"{"a":"x\ny"}"#)),
    ("a: \"\\x41\\u00e9\\U0001F600\\n\"\n", Some(r#"{"a":"Aé😀\n"}"#)),
    ("a: 'it''s'\n", Some(r#"{"a":"it's"}"#)),
    // errors
    ("a: b: c\n", None),
    ("a:\n\tb: 1\n", None),
    ("a: [\n", None),
    ("a: {b: c}d\n", None),
    ("a: @b\n", None),
    ("a: `b\n", None),
    ("a: %b\n", None),
    ("a: 'x\n", None),
    ("key: value\n- item\n", None),
    ("a:\n  b: 1\n c: 2\n", None),
    ("a: b\nc\n", None),
    ("a: \"\\q\"\n", None),
    ("a: ]\n", None),
    ("a: {{ .x }}\n", None),
    ("{{ x }}\n", None),
    ("a:\n  {{- x }}\n", None),
    ("a: b {{ c }}\n", Some(r#"{"a":"b {{ c }}"}"#)),
    ("a: \u{0001}b\n", None),
    ("[,]", None),
    ("[a,,b]", None),
];

fn decoded(text: &str) -> Option<Value> {
    Some(Tree::parse(text).ok()?.map_or(Value::Null, |tree| tree.root().to_json()))
}

#[test]
fn documents_are_decoded_as_by_kubectl() {
    for (text, json) in DECODED {
        let wanted = json.map(|json| serde_json::from_str(json).unwrap());
        assert_eq!(decoded(text), wanted, "{text:?}");
    }
}

/// The parser is of YAML 1.2, and that of kubectl of YAML 1.1. These differences are known; none of them is in ordinary manifests.
#[test]
fn known_differences_from_kubectl() {
    // kubectl cannot decode them.
    for (text, json) in [
        // No manifest has a directive; a Chart.yaml may.
        ("%YAML 1.2\n---\na: 1\n", r#"{"a":1}"#),
        ("-\ta: 1\n", r#"[{"a":1}]"#),
        ("a: 1\n\t# c\nb: 2\n", r#"{"a":1,"b":2}"#),
        (r#"a: "\/""#, r#"{"a":"/"}"#),
    ] {
        assert_eq!(decoded(text), Some(serde_json::from_str(json).unwrap()), "{text:?}");
    }
    // kubectl decodes them.
    for text in ["a: 'x'# c\n", "a: [#c\nb]\n", "a: [b, -]\n", "a: \u{feff}b\n"] {
        assert_eq!(decoded(text), None, "{text:?}");
    }
}

#[test]
fn any_number_of_comments_is_read() {
    let comments = "  # c\n".repeat(5_000);
    for (before, after, json) in [
        ("a:\n", "  - b\n", r#"{"a":["b"]}"#),
        ("a:\n-\n", "  b: 1\n", r#"{"a":[{"b":1}]}"#),
        ("a:\n  b: 1\n", "  c: 2\n", r#"{"a":{"b":1,"c":2}}"#),
        ("? a\n", ": b\n", r#"{"a":"b"}"#),
        ("", "a: b\n", r#"{"a":"b"}"#),
    ] {
        assert_eq!(decoded(&format!("{before}{comments}{after}")), Some(serde_json::from_str(json).unwrap()));
    }
}

#[test]
fn aliases_expand_within_bounds() {
    let laughs: String = (1..12)
        .fold(String::new(), |all, n| format!("{all}a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 12].join(", ")));
    let error = Tree::parse(&format!("a0: &a0 [x, x]\n{laughs}")).expect_err("too many values");
    assert_eq!(error.reason, "the aliases expand to too many values");
    let deep: String = (1..12).fold("a0: &a0 x\n".to_owned(), |all, n| {
        format!("{all}a{n}: &a{n} {}*a{}{}\n", "[".repeat(20), n - 1, "]".repeat(20))
    });
    assert!(Tree::parse(&deep).is_err(), "220 levels");
    let many: String = (0..300).map(|_| "- *a\n").collect();
    assert!(Tree::parse(&format!("- &a {{b: c}}\n{many}")).is_ok());
}

#[test]
fn json_is_decoded_without_places() {
    let tree = Tree::parse_json(r#"{"a": [1, 1.0, "x\n", null, true], "a": 2, "b": 18446744073709551615}"#).unwrap();
    assert_eq!(tree.root().to_json(), serde_json::json!({"a": 2, "b": 18_446_744_073_709_551_615_u64}));
    assert!(Tree::parse_json("{\"a\": 1} x").is_err());
    assert!(Tree::parse_json(&"[".repeat(100_000)).is_err());
}

#[test]
fn nodes_are_found_through_aliases_and_merge_keys() {
    let text = "base: &b {host: a}\nrules:\n- <<: *b\n  port: 80\n";
    let tree = Tree::parse(text).unwrap().unwrap();
    let steps = |name: &str| [Step::Key("rules".to_owned()), Step::Index(0), Step::Key(name.to_owned())];
    assert_eq!(&text[tree.root().at(&steps("port")).bytes()], "80");
    assert_eq!(&text[tree.root().at(&steps("host")).bytes()], "a");
    assert_eq!(&text[tree.root().at(&steps("none")).head()], "<<", "the nearest node above");
}
