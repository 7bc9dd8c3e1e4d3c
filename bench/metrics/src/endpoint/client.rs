//! A client that keeps its connection: a socket and as much of HTTP as a page needs.

use crate::contender::Outcome;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(super) struct Client {
    socket: BufReader<TcpStream>,
    request: String,
    line: String,
    body: Vec<u8>,
}

impl Client {
    pub(super) fn new(address: SocketAddr, encoding: &str) -> Outcome<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\naccept-encoding: {encoding}\r\n\r\n");
        Ok(Self { socket: BufReader::new(socket), request, line: String::new(), body: Vec::new() })
    }

    /// Asks, and reads the whole page: how many bytes it has.
    pub(super) fn scrape(&mut self) -> Outcome<usize> {
        self.socket.get_mut().write_all(self.request.as_bytes())?;
        if !self.next_line()?.starts_with("HTTP/1.1 200") {
            return Err(format!("no page: {}", self.line).into());
        }
        let mut length = None;
        while !self.next_line()?.is_empty() {
            if let Some(value) = self.line.strip_prefix("content-length: ") {
                length = Some(value.trim_end().parse()?);
            }
        }
        self.body.resize(length.ok_or("a page of no length")?, 0);
        self.socket.read_exact(&mut self.body)?;
        Ok(self.body.len())
    }

    fn next_line(&mut self) -> Outcome<&str> {
        self.line.clear();
        self.socket.read_line(&mut self.line)?;
        Ok(self.line.trim_end())
    }
}
