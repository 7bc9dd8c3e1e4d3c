//! What a client cannot do to the server: hold it, fill it, or stop it from stopping.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{ask, connect, request};
use axum::routing::get;
use streamgauge_export::{Health, Limits, Router, Routes, Running, Server};
use streamgauge_metrics::Registry;

const HEADER_TIMEOUT: Duration = Duration::from_millis(300);
/// Far more than any timeout of these tests, far less than a client's patience.
const SOON: Duration = Duration::from_secs(8);

fn start(limits: Limits) -> Running {
    start_with(limits, Registry::new())
}

fn start_with(limits: Limits, registry: Registry) -> Running {
    let bound = Server::bind("127.0.0.1", 0).unwrap().with_limits(limits);
    bound.start(Routes::new(registry, Health::default())).unwrap()
}

fn quick() -> Limits {
    Limits { header_timeout: HEADER_TIMEOUT, ..Limits::default() }
}

/// How long it takes until the server closes this connection.
fn time_to_close(socket: &mut TcpStream) -> Duration {
    let start = Instant::now();
    let mut rest = Vec::new();
    match socket.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    start.elapsed()
}

#[test]
fn a_client_that_never_says_a_word_is_cut_off() {
    let running = start(quick());
    let took = time_to_close(&mut connect(running.local_addr()));
    assert!(took > HEADER_TIMEOUT / 2 && took < SOON, "{took:?}");
}

#[test]
fn a_client_that_never_ends_its_head_is_cut_off_though_it_keeps_sending() {
    let running = start(quick());
    let mut socket = connect(running.local_addr());
    socket.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    let mut dribble = socket.try_clone().unwrap();
    let dribbling = thread::spawn(move || {
        while dribble.write_all(b"x: y\r\n").is_ok() {
            thread::sleep(Duration::from_millis(40));
        }
    });
    assert!(time_to_close(&mut socket) < SOON);
    dribbling.join().unwrap();
}

#[test]
fn a_client_that_stays_after_its_answer_is_cut_off() {
    let running = start(quick());
    let mut socket = connect(running.local_addr());
    socket.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert!(time_to_close(&mut socket) < SOON);
}

#[test]
fn a_client_that_takes_its_answer_byte_by_byte_is_cut_off() {
    const PAGE: usize = 64 << 20;
    let limits = Limits { write_timeout: Duration::from_millis(300), ..Limits::default() };
    let large = Router::new().route("/large", get(async || "x".repeat(PAGE)));
    let routes = Routes { extra: large, ..Routes::new(Registry::new(), Health::default()) };
    let bound = Server::bind("127.0.0.1", 0).unwrap().with_limits(limits);
    let running = bound.start(routes).unwrap();
    let mut socket = connect(running.local_addr());
    let head = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n";
    socket.write_all(head).unwrap();
    let (mut taken, mut one) = (0_usize, [0_u8]);
    let dribble = Instant::now();
    while dribble.elapsed() < Duration::from_millis(900) {
        taken += socket.read(&mut one).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    // What is left is what the kernel held when the server gave up.
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    assert!(taken + rest.len() < PAGE / 2, "{}", rest.len());
}

#[test]
fn a_scrape_is_answered_while_others_dribble() {
    let running = start(Limits::default());
    let silent: Vec<_> = (0..50).map(|_| connect(running.local_addr())).collect();
    let mut slow = connect(running.local_addr());
    slow.write_all(b"GET /met").unwrap();
    let start = Instant::now();
    assert_eq!(ask(running.local_addr(), "GET", "/metrics").status, 200);
    assert!(start.elapsed() < Duration::from_secs(2));
    drop(silent);
}

#[test]
fn beyond_the_limit_a_connection_waits_for_its_turn() {
    let limits = Limits { connections: 2, ..quick() };
    let running = start(limits);
    let _silent = [connect(running.local_addr()), connect(running.local_addr())];
    let start = Instant::now();
    assert_eq!(ask(running.local_addr(), "GET", "/health").status, 200);
    let took = start.elapsed();
    assert!(took > HEADER_TIMEOUT / 2 && took < SOON, "{took:?}");
}

#[test]
fn heads_that_are_too_large_or_too_long_are_refused() {
    let running = start(Limits::default());
    let addr = running.local_addr();
    let many = "a: b\r\n".repeat(65);
    let text = request(addr, format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes());
    assert!(text.starts_with("HTTP/1.1 431 "), "{text}");

    let mut socket = connect(addr);
    let large = vec![b'a'; 64 * 1024];
    // The server may close before all of it is sent.
    let _ = socket.write_all(b"GET / HTTP/1.1\r\nx: ");
    let _ = socket.write_all(&large);
    assert!(time_to_close(&mut socket) < SOON);
    assert_eq!(ask(addr, "GET", "/health").status, 200);
}

#[test]
fn what_is_not_http_is_refused() {
    let running = start(quick());
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"\r\n\r\n\r\nhi\r\n\r\n", b"GET /\r\n\r\n"] {
        let mut socket = connect(running.local_addr());
        socket.write_all(garbage).unwrap();
        assert!(time_to_close(&mut socket) < SOON);
    }
    assert_eq!(ask(running.local_addr(), "GET", "/health").status, 200);
}

#[test]
fn a_busy_port_is_named_together_with_what_to_do() {
    let first = Server::bind("127.0.0.1", 0).unwrap();
    let port = first.local_addr().port();
    let text = Server::bind("127.0.0.1", port).unwrap_err().to_string();
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(text.contains("choose another port"), "{text}");
}

#[test]
fn a_host_that_is_none_is_named() {
    let text = Server::bind("no host", 0).unwrap_err().to_string();
    assert!(text.contains("`no host`"), "{text}");
}

#[test]
fn shutdown_ends_in_time_though_a_client_stays_and_frees_the_port() {
    let running = start(Limits::default());
    let addr = running.local_addr();
    let mut slow = connect(addr);
    slow.write_all(b"GET /met").unwrap();
    assert_eq!(ask(addr, "GET", "/health").status, 200);
    let start = Instant::now();
    running.shutdown();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(Server::bind("127.0.0.1", addr.port()).is_ok());
}

#[test]
fn shutdown_is_quick_when_connections_are_only_kept_open() {
    let running = start(Limits::default());
    let mut kept = connect(running.local_addr());
    kept.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert!(kept.read(&mut [0; 1024]).unwrap() > 0);
    let start = Instant::now();
    drop(running);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn an_answer_under_way_is_still_given_after_the_shutdown_began() {
    let registry = Registry::new();
    let (entered, wait) = mpsc::channel();
    registry.on_scrape(move || {
        let _ = entered.send(());
        thread::sleep(Duration::from_millis(300));
    });
    let running = start_with(Limits::default(), registry);
    let addr = running.local_addr();
    let scrape = thread::spawn(move || ask(addr, "GET", "/metrics"));
    wait.recv().unwrap();
    running.shutdown();
    assert_eq!(scrape.join().unwrap().status, 200);
}

#[test]
fn a_hook_that_is_stuck_costs_the_scrape_and_neither_health_nor_shutdown() {
    let registry = Registry::new();
    let stuck = Arc::new(AtomicBool::new(true));
    let until = Arc::clone(&stuck);
    registry.on_scrape(move || {
        while until.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let routes = Routes { scrape_deadline: Duration::from_millis(100), ..Routes::new(registry, Health::default()) };
    let running = Server::bind("127.0.0.1", 0).unwrap().start(routes).unwrap();
    assert_eq!(ask(running.local_addr(), "GET", "/metrics").status, 503);
    assert_eq!(ask(running.local_addr(), "GET", "/health").status, 200);
    let start = Instant::now();
    running.shutdown();
    assert!(start.elapsed() < Duration::from_secs(2));
    stuck.store(false, Ordering::Relaxed);
}

#[test]
fn a_server_can_be_started_and_dropped_inside_another_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let running = start(Limits::default());
        assert_eq!(ask(running.local_addr(), "GET", "/health").status, 200);
    });
}
