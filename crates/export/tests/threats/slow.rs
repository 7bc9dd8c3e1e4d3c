//! Five hundred clients that take their time, in five ways, and one that scrapes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::routing::get;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use streamgauge_export::{Health, Limits, Router, Routes, process};
use streamgauge_metrics::Registry;

use crate::client::{ask, connect};
use crate::{alone, serve};

const LIMIT: Duration = Duration::from_secs(3);
/// Far more than the limits, far less than for ever.
const SOON: Duration = Duration::from_secs(20);
const PAGE: usize = 16 << 20;
const HEAD: &[u8] = b"GET /large HTTP/1.1\r\nhost: x\r\n";
/// Each that does not read costs the kernel a few megabytes, so there are fewer of them.
const SILENT: usize = 120;
const NEVER_READ: usize = 20;
const SLOW: usize = 4 * SILENT + NEVER_READ;
const SCRAPES: usize = 40;

/// Connections that have sent this much.
fn begun(addr: SocketAddr, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let begin = |_| {
        let mut socket = connect(addr);
        socket.write_all(bytes).unwrap();
        socket
    };
    (0..count).map(begin).collect()
}

/// Sends these bytes on each now and then, until nobody takes them or the test is over.
fn dribble(sockets: &[TcpStream], bytes: &[u8], over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        for mut socket in sockets {
            // Those that were cut off take nothing any more.
            let _ = socket.write_all(bytes);
        }
        thread::sleep(Duration::from_millis(250));
    }
}

/// How long scrapes take, the shortest first.
fn latencies(addr: SocketAddr) -> Vec<Duration> {
    let scrape = |_| {
        let start = Instant::now();
        assert_eq!(ask(addr, "GET", "/metrics").status, 200);
        start.elapsed()
    };
    let mut all: Vec<_> = (0..SCRAPES).map(scrape).collect();
    all.sort();
    all
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < SOON, "not {what} in time");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn five_hundred_slow_clients_are_cut_off_and_delay_no_scrape() {
    let _alone = alone();
    let before = getrlimit(Resource::Nofile);
    // Both ends of the connections are here.
    setrlimit(Resource::Nofile, Rlimit { current: before.maximum, ..before }).unwrap();
    let registry = Registry::new();
    let tasks = process::install(&registry).unwrap();
    let page = Bytes::from(vec![b'x'; PAGE]);
    let extra = Router::new().route("/large", get(move || async move { page }));
    let routes = Routes { tasks: tasks.clone(), extra, ..Routes::new(registry, Health::default()) };
    let running = serve(routes, Limits { header_timeout: LIMIT, write_timeout: LIMIT, ..Limits::default() });
    let addr = running.local_addr();

    let silent = begun(addr, SILENT, b"");
    let bytewise = begun(addr, SILENT, b"G");
    let endless = begun(addr, SILENT, HEAD);
    let half_closed = begun(addr, SILENT, HEAD);
    for socket in &half_closed {
        socket.shutdown(Shutdown::Write).unwrap();
    }
    let never_read = begun(addr, NEVER_READ, &[HEAD, b"\r\n"].concat());
    let over = AtomicBool::new(false);
    let taken = thread::scope(|scope| {
        scope.spawn(|| dribble(&bytewise, b"E", &over));
        scope.spawn(|| dribble(&endless, b"x: y\r\n", &over));
        wait_until("all accepted", || tasks.spawned() >= SLOW as u64);
        let held = tasks.active();
        let took = latencies(addr);
        let (median, late) = (took[SCRAPES / 2], took[SCRAPES * 95 / 100]);
        println!("{held} connections held; a scrape took {median:?}, at p95 {late:?}");
        // Those that closed their half are gone at once, the others are there for the limit.
        assert!(held >= (2 * SILENT) as f64, "{held}");
        // A scrape that had to wait for slow clients would wait for a limit of theirs, which is
        // thirty times as long; half of them have to be late before a busy machine shows here.
        assert!(median < Duration::from_millis(100), "{median:?}");
        // One task looks after the cardinality as long as the server is there.
        wait_until("all gone", || tasks.active() < 1.5);
        over.store(true, Ordering::Relaxed);
        never_read.into_iter().map(rest).max()
    });
    assert!(taken.unwrap() < PAGE, "a page that nobody reads was sent all the same");
    assert_eq!(ask(addr, "GET", "/health").status, 200);
    drop((silent, half_closed));
    setrlimit(Resource::Nofile, before).unwrap();
}

/// What the kernel holds of an answer that was given up.
fn rest(mut socket: TcpStream) -> usize {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    rest.len()
}
