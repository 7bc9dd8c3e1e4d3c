//! A stream whose reader has to keep up.
//!
//! HTTP has timers for clients that send slowly, none for clients that read slowly. One that asks
//! for a page and takes a byte a second would keep its connection, and a place below the limit,
//! for as long as it likes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Fails a write when the peer has not taken everything it was offered within the limit.
///
/// The clock starts when the stream first takes less than it is offered, and stops only when it
/// takes all of an offer: taking a little now and then does not push the deadline back.
pub(super) struct WriteDeadline<S> {
    stream: S,
    limit: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteDeadline<S> {
    pub(super) const fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, deadline: None }
    }

    /// Keeps the time of one write that was offered `offered` bytes.
    fn keep_time(
        &mut self,
        context: &mut Context<'_>,
        offered: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(taken)) if taken < offered => {
                self.start();
                written
            }
            Poll::Ready(_) => {
                self.deadline = None;
                written
            }
            Poll::Pending => {
                let deadline = self.start();
                ready!(deadline.as_mut().poll(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    fn start(&mut self) -> &mut Pin<Box<Sleep>> {
        let at = Instant::now() + self.limit;
        self.deadline.get_or_insert_with(|| Box::pin(sleep_until(at)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.keep_time(context, bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered = slices.iter().map(|slice| slice.len()).sum();
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.keep_time(context, offered, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{sleep, timeout};

    use super::WriteDeadline;

    const LIMIT: Duration = Duration::from_millis(80);

    #[tokio::test]
    async fn a_reader_that_takes_a_byte_now_and_then_is_cut_off() {
        let (mut reader, stream) = duplex(16);
        let mut writer = WriteDeadline::new(stream, LIMIT);
        let dribble = tokio::spawn(async move {
            while reader.read_u8().await.is_ok() {
                sleep(Duration::from_millis(10)).await;
            }
        });
        let page = [0_u8; 1000];
        let written = timeout(LIMIT * 20, writer.write_all(&page)).await.unwrap();
        assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        drop(writer);
        dribble.await.unwrap();
    }

    #[tokio::test]
    async fn a_reader_that_keeps_up_gets_everything() {
        let (mut reader, stream) = duplex(16);
        let mut writer = WriteDeadline::new(stream, LIMIT);
        let all = tokio::spawn(async move {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).await.unwrap();
            all.len()
        });
        for _ in 0..3 {
            writer.write_all(&[0; 1000]).await.unwrap();
            sleep(LIMIT * 2).await;
        }
        drop(writer);
        assert_eq!(all.await.unwrap(), 3000);
    }
}
