//! What a scrape allocates on its whole way, in all threads: from the socket to the socket. A program
//! of its own, since whatever else runs in a process is counted, too.
// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use streamgauge_export::{Health, Routes, Server};
use streamgauge_metrics::{Counter, Desc, Family, Limits, Options, Registry};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SCRAPES: usize = 50;

/// What some scrapes did, the client's part left out: it allocates nothing.
struct Scraped {
    body: usize,
    allocated: Stats,
}

impl Scraped {
    fn allocations(&self) -> usize {
        self.allocated.allocations / SCRAPES
    }

    /// What a scrape took besides the body.
    fn bytes_beside_the_body(&self) -> usize {
        (self.allocated.bytes_allocated / SCRAPES).saturating_sub(self.body)
    }
}

/// Scrapes a server of so many counters over one connection.
fn scrape(series: usize) -> Scraped {
    let limits = Limits { max_series_per_metric: series, ..Limits::default() };
    let registry = Registry::with_options(Options { limits, ..Options::default() }).unwrap();
    let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic"]);
    let sent: Family<Counter> = registry.register(desc).unwrap();
    for i in 0..series {
        sent.get_or_create(&[("topic", format!("topic-{i:06}").as_str())]).inc_by(1_000);
    }
    let running = Server::bind("127.0.0.1", 0).unwrap().start(Routes::new(registry, Health::default())).unwrap();
    let mut socket = TcpStream::connect(running.local_addr()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut room = vec![0; 2 << 20];
    // A page is larger once its counters have more digits; after these it stays as it is.
    let mut body = 0;
    (0..20).for_each(|_| body = ask(&mut socket, &mut room));
    let region = Region::new(ALLOCATOR);
    (0..SCRAPES).for_each(|_| body = ask(&mut socket, &mut room));
    let allocated = region.change();
    running.shutdown();
    Scraped { body, allocated }
}

/// How long the body is that came.
fn ask(socket: &mut TcpStream, room: &mut [u8]) -> usize {
    socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let (mut filled, mut whole) = (0, None);
    while whole.is_none_or(|whole| filled < whole) {
        let read = socket.read(&mut room[filled..]).unwrap();
        assert!(read > 0, "the server hung up");
        filled += read;
        whole = whole.or_else(|| whole_answer(&room[..filled]));
    }
    assert!(room.starts_with(b"HTTP/1.1 200"));
    body_length(room).unwrap()
}

fn whole_answer(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    Some(head + body_length(answer)?)
}

fn body_length(answer: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let at = answer.windows(NAME.len()).position(|name| name == NAME)? + NAME.len();
    let digits = answer[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0')))
}

#[test]
fn a_scrape_of_many_series_allocates_as_often_as_one_of_few_and_nothing_large_but_the_body_and_the_sums() {
    let (few, many) = (scrape(100), scrape(10_000));
    for (series, scraped) in [(100, &few), (10_000, &many)] {
        let (times, beside) = (scraped.allocations(), scraped.bytes_beside_the_body());
        println!("{series} series: {times} allocations a scrape, a body of {} bytes and {beside} others", scraped.body);
    }
    assert!(many.body > 30 * few.body);
    // Lists that grow do so a few times more often.
    assert!(many.allocations() < few.allocations() + 20);
    // A sum is eight bytes a series, and chunks of them are summed as a whole.
    assert!(many.bytes_beside_the_body() < few.bytes_beside_the_body() + 16 * 10_000);
}
