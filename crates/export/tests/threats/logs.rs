//! What clients send is not in the log: no escape sequences for the terminal of who reads it
//! (CVE-2025-58160), no lines of theirs, no secrets.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use streamgauge_export::{Health, Limits, Routes};
use streamgauge_metrics::Registry;
use tracing::Level;

use crate::client::ask_with;
use crate::wire::Wire;
use crate::{alone, serve};

const SECRET: &str = "s3cr3t-zq7x";

/// Everything that is logged, by all threads.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// There can be one in a process.
    fn begin() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let logging = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false);
        logging.with_writer(move || writer.clone()).init();
        log
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).expect("a log is text")
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

#[test]
fn nothing_that_a_client_sends_is_in_the_log_at_any_level() {
    let _alone = alone();
    let log = Log::begin();
    let registry = Registry::new();
    registry.on_scrape(|| std::thread::sleep(Duration::from_millis(50)));
    let running = serve(Routes::new(registry, Health::default()), Limits::default());
    let addr = running.local_addr();
    let headers = format!(
        "authorization: Bearer {SECRET}\r\ncookie: session={SECRET}\r\nuser-agent: \u{9b}31m{SECRET}\r\n\
         x-prometheus-scrape-timeout-seconds: 0.01\r\n"
    );
    // Fails as slow, and is logged as such.
    let slow =
        ask_with(addr, "GET", &format!("/metrics?token={SECRET}&name[]=%1b]0;owned%07%0aINFO+all+is+well"), &headers);
    assert_eq!(slow.status, 503);
    let tail = "x".repeat(300);
    assert_eq!(ask_with(addr, "GET", &format!("/metrics?name[]={SECRET}{tail}"), &headers).status, 400);
    assert_eq!(ask_with(addr, "GET", &format!("/{SECRET}%1b%5b31m%0a"), &headers).status, 404);
    assert_eq!(ask_with(addr, "POST", &format!("/metrics?{SECRET}"), &headers).status, 405);
    for broken in [
        format!("GET /\u{1b}[31m{SECRET} HTTP/1.1\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nx: \u{1b}[31m{SECRET}\r\n\r\n"),
        format!("{SECRET}\nINFO all is well\n\n"),
        format!("GET / HTTP/1.1\r\nx: {}{SECRET}\r\n\r\n", "y".repeat(1 << 17)),
        format!("POST / HTTP/1.1\r\ntransfer-encoding: {SECRET}\r\n\r\n"),
    ] {
        let mut wire = Wire::open(addr);
        wire.send(broken.as_bytes());
        wire.hang_up();
        assert!(wire.replies().iter().all(|reply| (400..500).contains(&reply.status)), "{broken}");
    }
    running.shutdown();

    let text = log.text();
    for logged in ["listening on http://", "a scrape takes longer than", "a connection ended badly"] {
        assert!(text.contains(logged), "{logged}: {text}");
    }
    for sent in [SECRET, "owned", "all is well", "31m"] {
        assert!(!text.contains(sent), "{sent}: {text}");
    }
    let is_plain = |c: char| c == '\n' || !c.is_control();
    assert!(text.chars().all(is_plain), "{text}");
}
