//! A connection that is kept, and may be told anything.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::client::connect;

pub(crate) struct Wire(BufReader<TcpStream>);

/// One answer of several on a connection.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The lines of the head behind the first.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) fn open(addr: SocketAddr) -> Self {
        Self(BufReader::new(connect(addr)))
    }

    /// What the server does not take, since it has closed, is not sent.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.get_mut().write_all(bytes).is_ok()
    }

    /// Sends nothing more.
    pub(crate) fn hang_up(&self) {
        // It fails if the server has closed already.
        let _ = self.0.get_ref().shutdown(std::net::Shutdown::Write);
    }

    /// Waits for the first bytes of an answer, and takes none.
    pub(crate) fn is_answered(&mut self) -> bool {
        self.0.fill_buf().is_ok_and(|bytes| !bytes.is_empty())
    }

    /// The next answer; `None` if the connection ends instead. A truncated one fails the test.
    pub(crate) fn reply(&mut self, to_head: bool) -> Option<Reply> {
        let first = self.line()?;
        let status = first.strip_prefix("HTTP/1.1 ").or(first.strip_prefix("HTTP/1.0 "));
        let status = status.unwrap_or_else(|| panic!("no status line: {first:?}"))[..3].parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line().expect("a head ends");
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut reply = Reply { status, headers, body: Vec::new() };
        let length = reply.header("content-length").expect("every answer has a length").parse().unwrap();
        if !to_head {
            reply.body.resize(length, 0);
            self.0.read_exact(&mut reply.body).unwrap();
        }
        Some(reply)
    }

    /// All answers until the server closes.
    pub(crate) fn replies(mut self) -> Vec<Reply> {
        std::iter::from_fn(|| self.reply(false)).collect()
    }

    /// A connection that was reset has ended, too.
    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = self.0.read_until(b'\n', &mut line);
        if let Err(error) = &read {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
        if line.is_empty() {
            return None;
        }
        let line = String::from_utf8(line).unwrap();
        Some(line.strip_suffix("\r\n").expect("a line ends").to_owned())
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
