//! Who gets past the guard.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use streamgauge_metrics::Registry;

use super::authority::Client;
use super::{Folder, example, scrape, value};
use crate::client::ask_with;

fn basic(name: &str, password: impl AsRef<[u8]>) -> String {
    let pair = [name.as_bytes(), b":", password.as_ref()].concat();
    format!("authorization: Basic {}\r\n", STANDARD.encode(pair))
}

fn users(pairs: &[(&str, &str)], cost: u32) -> String {
    let line = |(name, password): &(&str, &str)| format!("  {name}: {}\n", bcrypt::hash(password, cost).unwrap());
    format!("basic_auth_users:\n{}", pairs.iter().map(line).collect::<String>())
}

#[test]
fn the_user_of_the_example_is_let_in_behind_tls_and_nobody_else() {
    let folder = Folder::new();
    let running = folder.serve(&example("basic-auth"));
    let client = Client::of(&folder.servers);
    let status = |headers: &str| client.scrape(running.local_addr(), headers).unwrap().status;
    assert_eq!(status(&basic("prometheus", "change-me")), 200);
    assert_eq!(status(&basic("prometheus", "changed")), 401);
    assert_eq!(status(""), 401);
}

#[test]
fn the_bearer_of_the_token_is_let_in_and_nobody_else() {
    let folder = Folder::new();
    let running = folder.serve(&example("bearer"));
    let client = Client::of(&folder.servers);
    let status = |headers: &str| client.scrape(running.local_addr(), headers).unwrap().status;
    assert_eq!(status("authorization: Bearer s3cr3t-t0ken\r\n"), 200);
    for wrong in ["s3cr3t-t0ke", "s3cr3t-t0ken2", "", "S3CR3T-T0KEN", "s3cr3t-t0ken s3cr3t-t0ken"] {
        assert_eq!(status(&format!("authorization: Bearer {wrong}\r\n")), 401, "{wrong}");
    }
    assert_eq!(status(&basic("s3cr3t-t0ken", "s3cr3t-t0ken")), 401);
    let refused = client.scrape(running.local_addr(), "").unwrap();
    assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"metrics\""));
}

#[test]
fn every_path_is_guarded_also_those_that_are_not_there() {
    let folder = Folder::new();
    let running = folder.serve(&users(&[("a", "b")], 4));
    for path in ["/", "/metrics", "/health", "/ready", "/nothing", "/../metrics", "//metrics"] {
        for method in ["GET", "HEAD", "POST", "OPTIONS"] {
            let answer = ask_with(running.local_addr(), method, path, "");
            assert_eq!(answer.status, 401, "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"metrics\", charset=\"UTF-8\""));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        }
    }
    assert_eq!(ask_with(running.local_addr(), "GET", "/nothing", &basic("a", "b")).status, 404);
}

#[test]
fn credentials_that_are_none_are_refused_and_counted() {
    let folder = Folder::new();
    let registry = Registry::new();
    let pairs = [("alice", "password"), ("alicepa", "ssword")];
    let running = folder.serve_with(&users(&pairs, 4), registry.clone());
    let status = |headers: &str| scrape(running.local_addr(), headers).status;
    let good = basic("alice", "password");
    let wrong = [
        basic("alice", "ssword"),
        basic("alicepa", "password"),
        basic("bob", "password"),
        basic("", ""),
        basic("alice", ""),
        basic("alice", b"\xff\xfepassword"),
        basic("alice", "password\0password"),
        basic("alice", "password".repeat(10)),
        basic("alice", "p".repeat(8_000)),
        format!("authorization: Basic {}\r\n", STANDARD.encode("alice")),
        format!("authorization: Basic {}\r\n", STANDARD.encode(b"\xffalice:password")),
        "authorization: Basic ???\r\n".to_owned(),
        "authorization: Basic\r\n".to_owned(),
        "authorization: \r\n".to_owned(),
        "authorization: Bearer password\r\n".to_owned(),
        "authorization: Digest username=alice\r\n".to_owned(),
        good.replace("authorization", "proxy-authorization"),
        format!("{good}{good}"),
        format!("{good}{}", basic("bob", "password")),
    ];
    for headers in &wrong {
        assert_eq!(status(headers), 401, "{headers}");
    }
    assert_eq!(status(&good), 200);
    assert_eq!(status(&good.replace("Basic", "bAsIc")), 200, "the name of a scheme has no case");
    assert_eq!(status(&basic("alicepa", "ssword")), 200);
    let counted = value(&registry, "metrics_web_requests_refused_total{reason=\"credentials\"}");
    assert!((counted - wrong.len() as f64).abs() < 0.5, "{counted}");
}

#[test]
fn users_and_a_token_may_stand_beside_each_other() {
    let folder = Folder::new();
    let running = folder.serve(&format!("{}bearer_token_file: token\n", users(&[("a", "b")], 4)));
    assert_eq!(scrape(running.local_addr(), &basic("a", "b")).status, 200);
    assert_eq!(scrape(running.local_addr(), "authorization: Bearer s3cr3t-t0ken\r\n").status, 200);
    assert_eq!(scrape(running.local_addr(), "").status, 401);
}

#[test]
fn a_client_that_was_let_in_before_does_not_wait_for_those_who_guess() {
    const CLIENTS: usize = 50;
    let folder = Folder::new();
    // As dear as what htpasswd writes.
    let running = folder.serve(&users(&[("good", "password")], 10));
    let addr = running.local_addr();
    let good = basic("good", "password");
    assert_eq!(scrape(addr, &good).status, 200);
    let (stop, guesses) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (stop, guesses) = (&stop, &guesses);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let answer = scrape(addr, &basic("good", format!("guess {client}")));
                    assert!([401, 503].contains(&answer.status), "{}", answer.status);
                    guesses.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        super::awaited("guesses are judged", || guesses.load(Ordering::Relaxed) > 2);
        let mut took: Vec<_> = (0..9).map(|_| time(|| assert_eq!(scrape(addr, &good).status, 200))).collect();
        stop.store(true, Ordering::Relaxed);
        took.sort_unstable();
        // One guess takes some 50 ms, and 50 of them wait: whoever waited with them would take seconds.
        println!("{took:?}");
        assert!(took[4] < Duration::from_millis(100), "{took:?}");
    });
}

fn time(does: impl FnOnce()) -> Duration {
    let start = Instant::now();
    does();
    start.elapsed()
}

#[test]
fn headers_are_on_every_answer_also_on_refusals() {
    let folder = Folder::new();
    let headers = "http_server_config:\n  http2: false\n  headers:\n    Strict-Transport-Security: max-age=600\n    \
                   X-Frame-Options: deny\n    X-XSS-Protection: ''\n    Content-Security-Policy: default-src 'none'\n";
    let running = folder.serve(&format!("{headers}{}", users(&[("a", "b")], 4)));
    for (path, credentials, status) in
        [("/metrics", basic("a", "b"), 200), ("/x", basic("a", "b"), 404), ("/metrics", String::new(), 401)]
    {
        let answer = ask_with(running.local_addr(), "GET", path, &credentials);
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=600"));
        assert_eq!(answer.header("x-frame-options"), Some("deny"));
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'"));
        assert_eq!(answer.header("x-xss-protection"), None, "what is blank is not set");
    }
}

#[test]
fn beyond_the_rate_requests_are_told_to_come_back_and_counted() {
    let folder = Folder::new();
    let registry = Registry::new();
    let running = folder.serve_with("rate_limit:\n  interval: 1h\n  burst: 3\n", registry.clone());
    let answers: Vec<_> = (0..5).map(|_| scrape(running.local_addr(), "")).collect();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert_eq!(answers[4].header("retry-after"), Some("1"));
    assert!((value(&registry, "metrics_web_requests_refused_total{reason=\"rate\"}") - 2.0).abs() < 0.5);
}
