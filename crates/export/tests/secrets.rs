//! What is secret is told to nobody: alone in its file, because it listens to every log line of the process.

// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use streamgauge_export::{Health, Routes, Server, check_web_config};
use streamgauge_metrics::Registry;
use tracing_subscriber::fmt::MakeWriter;

const CANARY: &str = "c4nary";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn ask(addr: SocketAddr, authorization: &str) -> String {
    let mut socket = TcpStream::connect(addr).unwrap();
    let head =
        format!("GET /metrics HTTP/1.1\r\nhost: x\r\nauthorization: {authorization}\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

fn basic(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("user:{password}")))
}

/// Faults of files that have a secret in each place there is.
fn faults(path: &Path) -> String {
    let misplaced = [
        CANARY.to_owned(),
        format!("- {CANARY}"),
        format!("basic_auth_users: {CANARY}"),
        format!("basic_auth_users: {{user: {CANARY}}}"),
        format!("basic_auth_users: {{user: [{CANARY}]}}"),
        format!("bearer_token_file: [{CANARY}]"),
        format!("bearer_token: {CANARY}"),
        format!("tls_server_config: {CANARY}"),
        format!("tls_server_config: {{cert: {CANARY}, key: {CANARY}, client_ca: {CANARY}}}"),
        format!(
            "tls_server_config: {{cert: {CANARY}, key: {CANARY}, min_version: {CANARY}, client_auth_type: {CANARY}}}"
        ),
        format!("tls_server_config: {{cert: {CANARY}, key: {CANARY}, cipher_suites: [{CANARY}]}}"),
        format!("rate_limit: {{interval: {CANARY}, burst: {CANARY}}}"),
        format!("http_server_config: {{http2: {CANARY}, headers: {{X-Frame-Options: {CANARY}}}}}"),
        format!("basic_auth_users: {{user: \"{CANARY}"),
        format!("basic_auth_users:\n  user: {CANARY}\n {CANARY}\n"),
    ];
    let fault = |text: &String| {
        fs::write(path, text).unwrap();
        check_web_config(path).unwrap_err().to_string() + "\n"
    };
    misplaced.iter().map(fault).collect()
}

#[test]
fn no_password_token_or_hash_is_in_a_log_line_an_error_a_page_or_what_debug_shows() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.yml");
    let (password, token) = (format!("{CANARY}-password"), format!("{CANARY}-token"));
    let hash = bcrypt::hash(&password, 4).unwrap();
    fs::write(folder.path().join("token"), &token).unwrap();
    fs::write(&path, format!("basic_auth_users: {{user: {hash}}}\nbearer_token_file: token\n")).unwrap();

    let registry = Registry::new();
    let bound = Server::bind("127.0.0.1", 0).unwrap().with_web_config(&path).unwrap();
    let debug = format!("{bound:?}");
    let running = bound.start(Routes::new(registry.clone(), Health::default())).unwrap();
    let mut told = format!("{debug}{running:?}");
    let addr = running.local_addr();
    for good in [basic(&password), format!("Bearer {token}")] {
        let page = ask(addr, &good);
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        told += &page;
    }
    for wrong in [basic(&format!("{password}2")), format!("Bearer {token}2"), format!("Digest {token}")] {
        let answer = ask(addr, &wrong);
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        told += &answer;
    }
    fs::write(&path, format!("basic_auth_users: {{user: {password}}}\nbearer_token_file: token\n")).unwrap();
    let start = Instant::now();
    while !log.text().contains("what was in force before stays so") {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", log.text());
        sleep(Duration::from_millis(10));
    }
    drop(running);
    told += &faults(&path);
    told += &log.text();
    assert!(told.contains("basic_auth_users.user: is no bcrypt hash"), "{told}");
    for secret in [CANARY, &hash, &STANDARD.encode(format!("user:{password}"))] {
        assert!(!told.contains(secret), "{secret} is in {told}");
    }
}
