//! A client that shares no code with the server: a socket and a few lines of HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    head: String,
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).expect("an answer has a status");
        Self { status: status.parse().unwrap(), body: body.to_owned(), head: head.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub(crate) fn ask(addr: SocketAddr, method: &str, path: &str) -> Answer {
    ask_with(addr, method, path, &[])
}

/// The same with these lines in the head.
pub(crate) fn ask_with(addr: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    let more: String = headers.iter().flat_map(|line| [*line, "\r\n"]).collect();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n");
    Answer::read(&request(addr, head.as_bytes()))
}

/// Sends these bytes and reads until the server closes.
pub(crate) fn request(addr: SocketAddr, bytes: &[u8]) -> String {
    let mut socket = connect(addr);
    socket.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    // What is packed is no text: its bytes are not looked at here.
    String::from_utf8_lossy(&answer).into_owned()
}

/// A connection that fails a test rather than hang it.
pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(addr).unwrap();
    let limit = Some(Duration::from_secs(20));
    socket.set_read_timeout(limit).unwrap();
    socket.set_write_timeout(limit).unwrap();
    socket
}
