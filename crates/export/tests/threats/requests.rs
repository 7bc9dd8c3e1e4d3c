//! Requests that are too large, or that two readers would understand in two ways.

use std::net::SocketAddr;

use streamgauge_export::process;
use streamgauge_metrics::Registry;

use crate::client::ask;
use crate::wire::Wire;
use crate::{alone, serve_registry};

const HEAD: &str = "GET /health HTTP/1.1\r\nhost: x\r\n";
/// What a smuggler hides: it would be answered with 405.
const HIDDEN: &str = "DELETE /ready HTTP/1.1\r\nhost: x\r\n\r\n";

/// The statuses of all answers on a connection; the server closes it, or the test hangs up.
fn statuses(addr: SocketAddr, request: &str) -> Vec<u16> {
    let mut wire = Wire::open(addr);
    wire.send(request.as_bytes());
    wire.hang_up();
    wire.replies().iter().map(|reply| reply.status).collect()
}

fn is_well(addr: SocketAddr) {
    let answer = ask(addr, "GET", "/health");
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"ok"}"#));
}

#[test]
fn what_could_be_read_in_two_ways_is_refused_and_ends_the_connection() {
    let _alone = alone();
    let running = serve_registry(&Registry::new());
    let addr = running.local_addr();
    for (what, request) in [
        ("two lengths", format!("{HEAD}content-length: 0\r\ncontent-length: 38\r\n\r\n{HIDDEN}")),
        ("a list of lengths", format!("{HEAD}content-length: 0, 38\r\n\r\n{HIDDEN}")),
        ("a signed length", format!("{HEAD}content-length: +38\r\n\r\n{HIDDEN}")),
        ("a length beyond all numbers", format!("{HEAD}content-length: 99999999999999999999\r\n\r\n{HIDDEN}")),
        ("an encoding that is none", format!("{HEAD}transfer-encoding: xchunked\r\n\r\n{HIDDEN}")),
        ("chunked but not at last", format!("{HEAD}transfer-encoding: chunked, gzip\r\n\r\n{HIDDEN}")),
        ("a blank before the colon", format!("{HEAD}content-length : 38\r\n\r\n{HIDDEN}")),
        ("a folded line", format!("{HEAD}x: y\r\n content-length: 38\r\n\r\n{HIDDEN}")),
        ("a bare carriage return", format!("{HEAD}x: y\rcontent-length: 38\r\n\r\n{HIDDEN}")),
        ("a NUL", format!("{HEAD}x: y\0z\r\n\r\n{HIDDEN}")),
        ("a line end in the path", format!("GET /health\r\nx: y HTTP/1.1\r\nhost: x\r\n\r\n{HIDDEN}")),
        ("the preface of HTTP/2", format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{HIDDEN}")),
        ("HTTP/0.9", format!("GET /health\r\n{HIDDEN}")),
        ("HTTP/3", format!("GET /health HTTP/3.0\r\n\r\n{HIDDEN}")),
    ] {
        let found = statuses(addr, &request);
        assert!(found.is_empty() || found == [400], "{what}: {found:?}");
        is_well(addr);
    }
}

#[test]
fn a_length_beside_chunks_ends_the_connection_so_that_nothing_can_hide_behind_it() {
    let _alone = alone();
    let running = serve_registry(&Registry::new());
    for lengths in
        ["content-length: 5\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 5"]
    {
        let request = format!("{HEAD}{lengths}\r\n\r\n0\r\n\r\n{HIDDEN}");
        let found = statuses(running.local_addr(), &request);
        assert!(found.len() <= 1 && !found.contains(&405), "{found:?}");
        is_well(running.local_addr());
    }
}

#[test]
fn a_body_is_never_taken_for_a_request() {
    let _alone = alone();
    let running = serve_registry(&Registry::new());
    let length = HIDDEN.len();
    for request in [
        format!("{HEAD}content-length: {length}\r\n\r\n{HIDDEN}"),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n"),
    ] {
        assert_eq!(statuses(running.local_addr(), &request), [200]);
    }
}

#[test]
fn answers_to_pipelined_requests_come_in_their_order() {
    let _alone = alone();
    let running = serve_registry(&Registry::new());
    let request = |line: &str| format!("{line} HTTP/1.1\r\nhost: x\r\n\r\n");
    let lines = ["GET /health", "GET /nothing", "POST /metrics", "GET /ready", "DELETE /health", "GET /health"];
    let all: String = lines.map(request).concat().repeat(20);
    assert_eq!(statuses(running.local_addr(), &all), [200, 404, 405, 200, 405, 200].repeat(20));
}

#[test]
fn heads_without_end_are_cut_off_and_take_no_memory() {
    let _alone = alone();
    let registry = Registry::new();
    process::install(&registry).unwrap();
    let running = serve_registry(&registry);
    let addr = running.local_addr();
    let memory = || registry.snapshot().gauge("process_resident_memory_bytes", &[]).unwrap();
    let requests = [
        format!("{HEAD}x: {}\r\n\r\n", "y".repeat(1 << 20)),
        format!("{HEAD}{}\r\n", "x: y\r\n".repeat(10_000)),
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(1 << 20)),
        format!("{} / HTTP/1.1\r\nhost: x\r\n\r\n", "Y".repeat(1 << 20)),
    ];
    is_well(addr);
    let before = memory();
    let mut open = Vec::new();
    for request in requests.iter().cycle().take(80) {
        let mut wire = Wire::open(addr);
        // The server may have closed before all of it is sent.
        wire.send(request.as_bytes());
        open.push(wire);
    }
    is_well(addr);
    // They amount to 80 MB, of which a connection may keep 16 KiB.
    let grown = memory() - before;
    for wire in open {
        let found: Vec<_> = wire.replies().iter().map(|reply| reply.status).collect();
        assert!(found.is_empty() || [[414], [431]].contains(&[found[0]]) && found.len() == 1, "{found:?}");
    }
    assert!(grown < 16e6, "{grown}");
}
