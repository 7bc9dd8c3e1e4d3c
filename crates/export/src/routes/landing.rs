//! The page at `/`: who this is, whether it is ready, where to look.

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::response::{IntoResponse, Response};

use super::Identity;
use crate::health::Readiness;

/// Nothing is loaded, run, framed or sent anywhere; the page brings its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("landing.css");
const ICON: &str = include_str!("icon.svg");

pub(super) fn respond(identity: &Identity, metrics_path: &str, readiness: &Readiness) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, html(identity, metrics_path, readiness)).into_response()
}

pub(super) fn icon() -> Response {
    // An SVG can carry script, so it gets the strict policy as well.
    let headers = [(CONTENT_TYPE, "image/svg+xml"), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, ICON).into_response()
}

fn html(identity: &Identity, metrics_path: &str, readiness: &Readiness) -> String {
    let (name, version) = (escape(&identity.name), escape(&identity.version));
    let (state, reasons) = (state(readiness), reasons(readiness));
    let links = [
        link(metrics_path, "What Prometheus scrapes, in its text format"),
        link("/health", "Whether the process is alive"),
        link("/ready", "Whether every component is ready, and why not"),
    ]
    .concat();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name} {version}</title>\n\
         <link rel=\"icon\" href=\"/favicon.ico\" type=\"image/svg+xml\">\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header>\n<h1>{name}</h1>\n<span class=\"version\">{version}</span>\n{state}</header>\n\
         {reasons}<nav aria-label=\"Endpoints\">\n{links}</nav>\n</main>\n</body>\n</html>\n"
    )
}

fn state(readiness: &Readiness) -> &'static str {
    if readiness.ready {
        "<span class=\"state ready\">ready</span>\n"
    } else {
        "<span class=\"state waiting\">not ready</span>\n"
    }
}

fn reasons(readiness: &Readiness) -> String {
    if readiness.reasons.is_empty() {
        return String::new();
    }
    let item = |reason: &String| format!("<li>{}</li>\n", escape(reason));
    let items: String = readiness.reasons.iter().map(item).collect();
    format!("<ul class=\"reasons\">\n{items}</ul>\n")
}

fn link(path: &str, what: &str) -> String {
    let path = escape(path);
    format!("<a href=\"{path}\"><code>{path}</code><span>{what}</span></a>\n")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::html;
    use crate::health::Readiness;
    use crate::routes::Identity;

    #[test]
    fn names_and_reasons_cannot_become_markup() {
        let identity = Identity { name: "<script>alert(1)</script>".to_owned(), version: "\"'&".to_owned() };
        let readiness =
            Readiness { ready: false, reasons: vec!["topic <img src=x> is gone".to_owned()], notes: vec![] };
        let page = html(&identity, "/metrics", &readiness);
        assert!(!page.contains("<script") && !page.contains("<img"));
        assert!(page.contains("&lt;img src=x&gt;") && page.contains("&quot;&#39;&amp;"));
    }
}
