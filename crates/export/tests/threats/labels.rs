//! Methods, paths and headers as labels: a series for whatever anyone sends (CVE-2022-21698,
//! CVE-2023-45142).

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::SocketAddr;
use std::thread;

use streamgauge_export::process;
use streamgauge_metrics::Registry;

use crate::client::ask;
use crate::seeded::Seeded;
use crate::wire::Wire;
use crate::{alone, serve_registry};

/// In everything that a client makes up.
const MARK: &str = "zq7x";
const CONNECTIONS: u64 = 4;
const PIPELINES: usize = 250;
const PIPELINED: usize = 100;

const TOKEN: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
const IN_PATHS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%?[]";

fn text(random: &mut Seeded, of: &[u8], end: usize) -> String {
    String::from_utf8(random.bytes(of, end)).unwrap()
}

/// The names and labels on a page.
fn series(addr: SocketAddr) -> BTreeSet<String> {
    let page = ask(addr, "GET", "/metrics").body;
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

/// Adds a request, and says whether it is answered without a body.
fn request(random: &mut Seeded, out: &mut String) -> bool {
    let own = text(random, TOKEN, 12) + MARK;
    let method =
        random.of(&["GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", &own]).to_owned();
    let path = match random.below(64) {
        0 => format!("/metrics?name[]={MARK}"),
        1 => format!("/health?{MARK}"),
        2 => format!("/metrics/{MARK}"),
        _ => format!("/{MARK}{}", text(random, IN_PATHS, 40)),
    };
    let (host, agent, accept) = (text(random, TOKEN, 8), text(random, TOKEN, 60), text(random, TOKEN, 12));
    write!(
        out,
        "{method} {path} HTTP/1.1\r\nhost: {MARK}\r\nx-forwarded-for: {MARK}{host}\r\nuser-agent: {MARK}{agent}\r\n\
         accept: {MARK}/{accept}\r\n\r\n"
    )
    .unwrap();
    method == "HEAD"
}

fn flood(addr: SocketAddr, seed: u64) {
    let mut random = Seeded(seed);
    let mut wire = Wire::open(addr);
    for _ in 0..PIPELINES {
        let mut requests = String::new();
        let to_head: Vec<_> = (0..PIPELINED).map(|_| request(&mut random, &mut requests)).collect();
        assert!(wire.send(requests.as_bytes()));
        for to_head in to_head {
            let reply = wire.reply(to_head).expect("an answer to each");
            assert!([200, 404, 405].contains(&reply.status), "{}", reply.status);
        }
    }
}

#[test]
fn a_hundred_thousand_requests_of_all_kinds_leave_no_trace_in_the_series() {
    let _alone = alone();
    let registry = Registry::new();
    process::install(&registry).unwrap();
    let running = serve_registry(&registry);
    let addr = running.local_addr();
    // What is there from the second scrape on: the first has nothing to tell about scrapes.
    series(addr);
    let before = series(addr);
    thread::scope(|scope| {
        for seed in 0..CONNECTIONS {
            scope.spawn(move || flood(addr, seed));
        }
    });
    let after = series(addr);
    assert_eq!(before, after);
    let page = ask(addr, "GET", "/metrics").body.to_ascii_lowercase();
    for label in ["{method=", ",method=", "path=", "agent=", "host=", MARK] {
        assert!(!page.contains(label), "{label}");
    }
}
