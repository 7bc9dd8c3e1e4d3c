//! Scrapes an endpoint every second while something runs, as Prometheus would.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(1);
/// The first scrape comes as soon as the program may be there.
const BEFORE_THE_FIRST: Duration = Duration::from_millis(100);

/// A port that nobody listens at now.
///
/// # Errors
/// If there is none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Scrapes a port until `run` returns; what that returned, and how many scrapes gave a page.
pub fn during<T>(port: u16, run: impl FnOnce() -> T) -> (T, u32) {
    let (stop, stopped) = channel::<()>();
    thread::scope(|scope| {
        let scraper = scope.spawn(move || {
            let (mut pages, mut wait) = (0, BEFORE_THE_FIRST);
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                pages += u32::from(page(port).is_ok_and(|page| page.starts_with("HTTP/1.1 200")));
                wait = INTERVAL;
            }
            pages
        });
        let result = run();
        drop(stop);
        (result, scraper.join().unwrap_or_default())
    })
}

fn page(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(INTERVAL))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}
