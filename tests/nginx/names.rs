//! The names of servers against a real nginx: an alias stands for a host exactly if nginx answers requests for it there.

use std::fs;

use ingress_guard::budget::Budget;
use ingress_guard::model::Host;
use ingress_guard::routing::ServerName;

use crate::process::{Running, ask, find};
use crate::render;
use crate::requests::Request;

const ALIASES: [&str; 21] = [
    "a.example.com",
    "A.Example.com",
    "*.example.com",
    ".example.com",
    "a.*",
    "a.example.*",
    r"~^a\.example\.com$",
    r"~^A\.example\.com$",
    r"~a\.example\.com$",
    r"~^(a|b)\.example\.com$",
    r"~^[a-z]+\.example\.com$",
    r"~^(x\.)?a\.example\.(com|org)$",
    r"~^a\.example\.co[!--m]$",
    r"~^a\.example\.co[]&&m]$",
    r"~^a\.example\.co[m-p&&o]$",
    r"~^[^.]+\.example\.",
    r"~^(?=a)[a-z.]+$",
    r"~^xn--[a-z0-9]+\.example\.com$",
    "~.*",
    "~^$|^a",
    "*.com",
];

const HOSTS: [&str; 14] = [
    "a.example.com",
    "A.EXAMPLE.com",
    "b.example.com",
    "x.a.example.com",
    "ba.example.com",
    "a.example.org",
    "a.example.com.",
    "example.com",
    "aexample.com",
    "xn--abc.example.com",
    "a.b",
    "a",
    "x.example.com.au",
    "localhost",
];

#[test]
fn aliases_stand_for_the_hosts_for_which_nginx_answers() {
    let Some(program) = find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().display().to_string();
    let socket = |number: usize| folder.path().join(number.to_string());
    for (number, alias) in ALIASES.iter().enumerate() {
        let listen = format!("listen unix:{}", socket(number).display());
        let server = |listen: &str, name: &str, number: u8| {
            format!(
                "server {{ {listen}; server_name \"{name}\"; add_header X-Server {number} always; return 200 x; }}\n"
            )
        };
        let alias = alias.replace('\\', r"\\");
        let text = server(&format!("{listen} default_server"), "_", 0) + &server(&listen, &alias, 1);
        fs::write(folder.path().join(format!("{number}.conf")), text).unwrap();
    }
    let includes = (0..ALIASES.len()).map(|number| format!("{name}/{number}.conf"));
    fs::write(folder.path().join("nginx.conf"), render::main(&name, includes)).unwrap();
    let _running = Running::start(&program, folder.path()).unwrap_or_else(|error| panic!("{error}"));
    let requests: Vec<Request> =
        HOSTS.iter().map(|host| Request { host: (*host).to_owned(), target: "/".to_owned() }).collect();
    let budget = Budget::default();
    for (number, alias) in ALIASES.iter().enumerate() {
        let names = ServerName::of_alias(alias, &budget).unwrap();
        for (host, response) in HOSTS.iter().zip(ask(&socket(number), &requests)) {
            let host = Host::parse(host.trim_end_matches('.'));
            let is_met = |name: &ServerName| {
                name.domains().any(|domain| domain == host) || name.meets(&host, &budget).unwrap() == Some(true)
            };
            assert_eq!(names.iter().any(is_met), response.server == Some(1), "{alias} {host}");
        }
    }
}
