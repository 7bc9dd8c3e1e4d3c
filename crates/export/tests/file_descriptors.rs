//! A process without file descriptors: alone in its file, because the limit is the process's.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use streamgauge_export::{Health, Routes, Server};
use streamgauge_metrics::Registry;

/// What there is for both ends of the connections.
const DESCRIPTORS: u64 = 64;
const PATIENCE: Duration = Duration::from_secs(20);
const WATCHED: Duration = Duration::from_millis(500);

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}

fn answers(addr: SocketAddr, path: &str) -> std::io::Result<bool> {
    let mut socket = TcpStream::connect(addr)?;
    write!(socket, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    Ok(text.starts_with("HTTP/1.1 200 "))
}

#[test]
fn a_server_without_descriptors_waits_without_spinning_and_recovers() {
    let bound = Server::bind("127.0.0.1", 0).unwrap();
    let addr = bound.local_addr();
    let routes = Routes::new(Registry::new(), Health::default());
    let _running = bound.start(routes).unwrap();
    assert!(answers(addr, "/health").unwrap());
    let before = getrlimit(Resource::Nofile);
    let tight = Rlimit { current: Some(DESCRIPTORS), ..before };
    setrlimit(Resource::Nofile, tight).unwrap();

    // The kernel completes connections that the server cannot accept, so that this loop ends
    // only when the last descriptor is gone.
    let clients: Vec<_> = std::iter::from_fn(|| TcpStream::connect(addr).ok()).collect();
    assert!(clients.len() > 10, "{}", clients.len());
    let start = processor_time();
    sleep(WATCHED);
    let spent = processor_time().saturating_sub(start);
    assert!(spent < WATCHED / 4, "spent {spent:?} on waiting");

    // What is given back is enough: nobody has to raise the limit or to start anew.
    drop(clients);
    let recovery = Instant::now();
    while !answers(addr, "/health").is_ok_and(|is_well| is_well) {
        assert!(recovery.elapsed() < PATIENCE, "the server does not recover");
        sleep(Duration::from_millis(10));
    }
    for _ in 0..20 {
        assert!(answers(addr, "/metrics").unwrap());
    }
    setrlimit(Resource::Nofile, before).unwrap();
}
