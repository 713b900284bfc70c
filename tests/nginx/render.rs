//! The configuration file of a real nginx, structured as by the template of ingress-nginx (v1.15), as far as it
//! determines the response.

use std::fmt::Write as _;

use crate::controller::{Configuration, Location, Server};
use crate::directives;

/// Writes the folder of an nginx process, with the files that do not depend on the worlds.
pub(crate) fn main(folder: &str, includes: impl Iterator<Item = String>) -> String {
    let mut text = format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr crit;\n\
         events {{ worker_connections 1024; }}\nhttp {{\n\
         access_log off;\nserver_tokens off;\nserver_names_hash_max_size 4096;\nserver_names_hash_bucket_size 256;\n\
         geo $literal_dollar {{ default \"$\"; }}\nmap $http_upgrade $connection_upgrade {{ default upgrade; }}\n\
         map $http_x_request_id $req_id {{ default $request_id; }}\nmap $status $loggable {{ default 1; }}\nkeepalive_requests 1000000;\nlarge_client_header_buffers 4 16k;\n\
         proxy_http_version 1.1;\nproxy_set_header Connection \"\";\n\
         upstream echo {{ server unix:{folder}/echo; keepalive 8; }}\n\
         upstream nothing {{ server unix:{folder}/nothing; keepalive 8; }}\n\
         upstream default_backend {{ server unix:{folder}/default_backend; keepalive 8; }}\n\
         upstream not_found {{ server unix:{folder}/not_found; keepalive 8; }}\n"
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "{kind}_temp_path {folder}/temp;");
    }
    for include in includes {
        let _ = writeln!(text, "include {include};");
    }
    let _ = writeln!(text, "server {{ listen unix:{folder}/nothing; return 503; }}");
    let _ = writeln!(text, "server {{ listen unix:{folder}/not_found; return 404; }}");
    // The comparison of paths reads what the default backend receives.
    let _ = writeln!(
        text,
        "server {{ listen unix:{folder}/default_backend; if ($http_user_agent ~ ^ingress-guard-probe/) {{ return 404; }} \
         return 200 $request_uri; }}"
    );
    // This socket is opened last: when it accepts connections, all others do.
    let _ = writeln!(text, "server {{ listen unix:{folder}/echo; return 200 $request_uri; }}");
    text + "}\n"
}

/// One world on its own socket, so that its hosts keep their names and it has a default server. `name` is that of the world.
pub(crate) fn world(configuration: &Configuration, socket: &str, name: usize) -> String {
    let mut text = directives::zones(configuration, name);
    // A numbered group would be escaped again where the request has `%` or `+`; the controller uses Lua.
    for (from, to) in &configuration.redirects {
        let host = &configuration.servers[*to].host;
        let _ = writeln!(
            text,
            "server {{\nlisten unix:{socket};\nserver_name \"{from}\";\nadd_header X-Server {to} always;\n\
             set $redirect_to $scheme://{host}:80$request_uri;\n\
             if ($request_uri ~ \"^(?<without_last_slash>.*)/$\") {{ set $redirect_to $scheme://{host}:80$without_last_slash; }}\n\
             return 308 $redirect_to;\n}}"
        );
    }
    for (number, server) in configuration.servers.iter().enumerate() {
        let default = if server.host == "_" { " default_server" } else { "" };
        let _ = writeln!(text, "server {{\nlisten unix:{socket}{default};\nserver_name {};", names(server));
        let _ = writeln!(text, "add_header X-Server {number} always;\nset $proxy_upstream_name \"-\";");
        if server.forbidden_by.is_some() {
            text.push_str("return 403;\n}\n");
            continue;
        }
        if let Some(ciphers) = &server.ciphers {
            let _ = writeln!(text, "ssl_certificate pair.pem;\nssl_certificate_key pair.pem;\nssl_ciphers {ciphers};");
        }
        for (at, location) in server.locations.iter().enumerate() {
            write(location, server, (number, at), name, &mut text);
        }
        text.push_str("}\n");
    }
    text
}

impl Configuration {
    /// Whether a directive sets this variable, or a server name captures it.
    pub(crate) fn defines(&self, variable: &str) -> bool {
        let text = world(self, "", 0);
        text.contains(&format!("set ${variable} ")) || text.contains(&format!("(?<{variable}>"))
    }
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
fn write(location: &Location, server: &Server, (number, at): (usize, usize), name: usize, text: &mut String) {
    let path = escaped(&location.path);
    if let Some(root) = &location.annotations.app_root {
        let _ = writeln!(text, "if ($uri = /) {{ return 302 $scheme://$http_host{root}; }}");
    }
    let headers = format!("add_header X-Server {number} always;\nadd_header X-Location {at} always;\n");
    directives::beside_location(location, at, &headers, text);
    let _ = match (server.is_regex, location.is_exact) {
        (true, _) => writeln!(text, "location ~* \"^{path}\" {{"),
        (false, true) => writeln!(text, "location = \"{path}\" {{"),
        (false, false) => writeln!(text, "location \"{path}\" {{"),
    };
    text.push_str(&headers);
    let _ = writeln!(text, "set $location_path \"{}\";", path.replace('$', "${literal_dollar}"));
    text.push_str(directives::VARIABLES);
    if location.annotations.is_denied {
        text.push_str("return 503;\n}\n");
        return;
    }
    directives::in_location(location, at, name, text);
    if location.annotations.is_relative {
        text.push_str("absolute_redirect off;\n");
    }
    if let Some((code, url)) = &location.annotations.redirect {
        let _ = writeln!(text, "return {code} {url};");
    }
    if location.rewrites() {
        let _ = writeln!(text, "rewrite \"(?i){path}\" {} break;", location.annotations.target);
        if let Some(prefix) = location.annotations.value("x-forwarded-prefix") {
            let _ = writeln!(text, "proxy_set_header X-Forwarded-Prefix \"{prefix}\";");
        }
    }
    let upstream = match location.backend {
        Some(_) => directives::upstream(location.source),
        None => "default_backend",
    };
    let _ = writeln!(text, "proxy_pass http://{upstream};\n}}");
}

/// Between double quotes (section 2.6).
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"")
}
