//! A client that shares no code with the server: a socket and a few lines of HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// As text; what is none has other characters in it.
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
    head: String,
}

impl Answer {
    pub(crate) fn read(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("an answer has a head");
        let (head, bytes) = (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec());
        let status = head.split(' ').nth(1).expect("an answer has a status").parse().unwrap();
        Self { status, body: String::from_utf8_lossy(&bytes).into_owned(), bytes, head }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub(crate) fn ask(addr: SocketAddr, method: &str, path: &str) -> Answer {
    ask_with(addr, method, path, "")
}

/// With more headers, each with its line end.
pub(crate) fn ask_with(addr: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n");
    Answer::read(&exchange(addr, head.as_bytes()))
}

/// Sends these bytes and reads until the server closes.
pub(crate) fn request(addr: SocketAddr, bytes: &[u8]) -> String {
    String::from_utf8(exchange(addr, bytes)).unwrap()
}

fn exchange(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = connect(addr);
    socket.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    answer
}

/// A connection that fails a test rather than hang it.
pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(addr).unwrap();
    let limit = Some(Duration::from_secs(20));
    socket.set_read_timeout(limit).unwrap();
    socket.set_write_timeout(limit).unwrap();
    socket
}
