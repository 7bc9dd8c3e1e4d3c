//! The files that are followed in one partition, and whose turn it is.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use streamgauge_metrics::Counter;

use super::feed::Then;
use super::follow::shown;
use super::tail::{Memory, Tail, Truncated};
use super::{Message, ReadError};

/// A file that no name leads to is let go after so long without more: whoever had it open may have written on.
const LINGER: Duration = Duration::from_secs(5);

/// The files of one partition.
#[derive(Default)]
pub(super) struct Lane {
    pub(super) tails: Vec<Tail>,
    at: usize, // the one that is read
    pub(super) ended: bool,
}

impl Lane {
    /// Reads a little of the file whose turn it is.
    pub(super) fn read(&mut self, losses: &Counter, to: &mut Vec<Message>) {
        let Some(at) = self.ready() else { return };
        self.at = at;
        let result = self.tails[at].read(Instant::now(), to);
        self.judge(at, result, losses, to);
    }

    /// The next file with something to read: the one that is being read, as long as it has what it had at the last look.
    fn ready(&self) -> Option<usize> {
        let ready = |&at: &usize| self.tails[at].after.is_none() && self.tails[at].is_ready();
        (self.at..self.tails.len()).find(ready).or_else(|| (0..self.tails.len()).find(ready))
    }

    /// Whether there is more to be read, as far as was seen at the last look.
    pub(super) fn then(&self) -> Then {
        if self.ended || self.ready().is_none() { Then::Dry } else { Then::More }
    }

    /// Looks what has become of each file.
    pub(super) fn look(&mut self, now: Instant, losses: &Counter, to: &mut Vec<Message>) {
        for at in 0..self.tails.len() {
            let result = self.tails[at].look(now, to);
            self.judge(at, result, losses, to);
        }
        for at in 0..self.tails.len() {
            self.succeed(at, now, to);
        }
    }

    /// Lets a file begin once the one before it is done with.
    fn succeed(&mut self, at: usize, now: Instant, to: &mut Vec<Message>) {
        let Some(before) = self.tails[at].after else { return };
        if let Some(tail) = self.tails.iter_mut().find(|tail| tail.identity == before.identity) {
            if !tail.makes_way(before, now) {
                return;
            }
            if tail.is_done(now) {
                tail.take_last_line(to);
            }
        }
        self.tails[at].after = None;
    }

    /// Closes the files that no name leads to and that have been quiet for long enough.
    pub(super) fn let_go(&mut self, now: Instant, memories: &mut Vec<Memory>, to: &mut Vec<Message>) {
        while let Some(at) = self.tails.iter().position(|tail| tail.gone && tail.is_quiet(now, LINGER)) {
            let mut tail = self.tails.remove(at);
            tail.take_last_line(to);
            tracing::info!("{} was read to its end at byte {} and is let go", shown(&tail.path), tail.offset());
            if tail.is_deleted() {
                to.push(Message::Forgotten(Arc::clone(tail.origin())));
            } else {
                to.push(tail.closed());
                memories.push(tail.into_memory());
            }
        }
    }

    fn judge(&mut self, at: usize, result: io::Result<Option<Truncated>>, losses: &Counter, to: &mut Vec<Message>) {
        let tail = &self.tails[at];
        match result {
            Ok(None) => {}
            Ok(Some(truncated)) => tell(&tail.path, &truncated, losses),
            Err(cause) => {
                self.ended = true;
                let source = Arc::clone(tail.source());
                to.push(Message::Failed(ReadError { source, offset: tail.offset(), cause }));
            }
        }
    }
}

fn tell(path: &Path, truncated: &Truncated, losses: &Counter) {
    let Truncated { read, unread, length } = truncated;
    let what = format!(
        "{} was truncated: {read} bytes of it had been read and it has {length} now; it is read from its start again",
        shown(path)
    );
    if *unread == 0 {
        tracing::info!("{what}");
    } else {
        losses.inc();
        tracing::warn!("{what}; {unread} bytes were lost before they were read");
    }
}
