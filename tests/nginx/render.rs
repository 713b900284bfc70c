//! The configuration file of a real nginx, structured as by the template of ingress-nginx (v1.15), as far as it
//! determines the response.

use std::fmt::Write as _;

use crate::controller::{Configuration, Location, Server};

/// Writes the folder of an nginx process, with the files that do not depend on the worlds.
pub(crate) fn main(folder: &str, includes: impl Iterator<Item = String>) -> String {
    let mut text = format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr crit;\n\
         events {{ worker_connections 1024; }}\nhttp {{\n\
         access_log off;\nserver_names_hash_max_size 4096;\nserver_names_hash_bucket_size 256;\n\
         geo $literal_dollar {{ default \"$\"; }}\nkeepalive_requests 1000000;\nlarge_client_header_buffers 4 16k;\n\
         proxy_http_version 1.1;\nproxy_set_header Connection \"\";\n\
         upstream echo {{ server unix:{folder}/echo; keepalive 8; }}\n"
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "{kind}_temp_path {folder}/temp;");
    }
    for include in includes {
        let _ = writeln!(text, "include {include};");
    }
    // This socket is opened last: when it accepts connections, all others do.
    let _ = writeln!(text, "server {{ listen unix:{folder}/echo; return 200 $request_uri; }}");
    text + "}\n"
}

/// One world on its own socket, so that its hosts keep their names and it has a default server.
pub(crate) fn world(configuration: &Configuration, socket: &str) -> String {
    configuration.servers.iter().enumerate().fold(String::new(), |mut text, (number, server)| {
        let default = if server.host == "_" { " default_server" } else { "" };
        let _ = writeln!(text, "server {{\nlisten unix:{socket}{default};\nserver_name {};", names(server));
        let _ = writeln!(text, "add_header X-Server {number} always;");
        for (at, location) in server.locations.iter().enumerate() {
            write(location, server, (number, at), &mut text);
        }
        text + "}\n"
    })
}

/// `buildServerName` and the aliases.
fn names(server: &Server) -> String {
    let own = match server.host.strip_prefix("*.") {
        Some(parent) => format!(r"~^(?<subdomain>[\w-]+)\.{}$", parent.replace('.', r"\.")),
        None => server.host.clone(),
    };
    let names = std::iter::once(&own).chain(&server.aliases);
    names.map(|name| format!("\"{}\"", escaped(name))).collect::<Vec<_>>().join(" ")
}

/// `buildLocation` and `buildProxyPass`
fn write(location: &Location, server: &Server, (number, at): (usize, usize), text: &mut String) {
    let path = escaped(&location.path);
    if let Some(root) = &location.annotations.app_root {
        let _ = writeln!(text, "if ($uri = /) {{ return 302 $scheme://$http_host{root}; }}");
    }
    let _ = match (server.is_regex, location.is_exact) {
        (true, _) => writeln!(text, "location ~* \"^{path}\" {{"),
        (false, true) => writeln!(text, "location = \"{path}\" {{"),
        (false, false) => writeln!(text, "location \"{path}\" {{"),
    };
    let _ = writeln!(text, "add_header X-Server {number} always;\nadd_header X-Location {at} always;");
    let _ = writeln!(text, "set $location_path \"{}\";", path.replace('$', "${literal_dollar}"));
    if location.annotations.is_relative {
        text.push_str("absolute_redirect off;\n");
    }
    if let Some((code, url)) = &location.annotations.redirect {
        let _ = writeln!(text, "return {code} {url};");
    }
    if location.rewrites() {
        let _ = writeln!(text, "rewrite \"(?i){path}\" {} break;", location.annotations.target);
    }
    text.push_str("proxy_pass http://echo;\n}\n");
}

/// Between double quotes (section 2.6).
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"")
}
