//! A shutdown while an answer is under way.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::routing::get;
use streamgauge_export::{Health, Limits, Router, Routes};
use streamgauge_metrics::Registry;

use crate::wire::Wire;
use crate::{alone, serve};

/// More than the buffers between the two ends hold.
const PAGE: usize = 64 << 20;

#[test]
fn a_shutdown_refuses_new_connections_and_gives_the_whole_of_an_answer_under_way() {
    let _alone = alone();
    let page = Bytes::from(vec![b'x'; PAGE]);
    let extra = Router::new().route("/large", get(move || async move { page }));
    let routes = Routes { extra, ..Routes::new(Registry::new(), Health::default()) };
    let running = serve(routes, Limits { grace: Duration::from_secs(20), ..Limits::default() });
    let addr = running.local_addr();
    let mut wire = Wire::open(addr);
    wire.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(wire.is_answered());
    let stopping = thread::spawn(move || running.shutdown());
    let patience = Instant::now() + Duration::from_secs(15);
    while TcpStream::connect(addr).is_ok() {
        assert!(Instant::now() < patience, "new connections are taken");
        thread::yield_now();
    }
    assert!(!stopping.is_finished(), "the answer is still under way");
    let reply = wire.reply(false).unwrap();
    assert_eq!((reply.status, reply.body.len()), (200, PAGE));
    assert!(wire.reply(false).is_none());
    stopping.join().unwrap();
}
