//! A connection that ends when its Envoy is shut out or its certificate ends; that of
//! somebody who has shown none, when nothing is said or it has lasted for long.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep};
use tokio_rustls::server::TlsStream;

use super::peers::Place;

/// How long somebody without a certificate may be silent.
pub(super) const SILENCE: Duration = Duration::from_secs(90);

/// What is read and thrown away of a client that still sends when it was answered: the
/// rest of a body. Closed with bytes unread, a socket is reset, and the client may lose
/// the answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 << 20;

/// Comes when the connection must end, with the reason.
pub(super) type End = Pin<Box<dyn Future<Output = &'static str> + Send>>;

/// One of the control plane's connections.
pub(crate) struct Connection {
    io: TlsStream<TcpStream>,
    end: End,
    /// Of those who have shown no certificate.
    silence: Option<Pin<Box<Sleep>>>,
    /// Once all is said: until when and for how much is still listened.
    linger: Option<(Pin<Box<Sleep>>, usize)>,
    /// Its place among the connections, and among those of its address.
    _place: (OwnedSemaphorePermit, Place),
}

// === impl Connection ===

impl Connection {
    pub(super) fn new(
        io: TlsStream<TcpStream>,
        end: End,
        is_known: bool,
        place: (OwnedSemaphorePermit, Place),
    ) -> Self {
        Self {
            io,
            end,
            silence: (!is_known).then(|| Box::pin(sleep(SILENCE))),
            linger: None,
            _place: place,
        }
    }

    /// An error when the connection must end now.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let aborted = |reason| Err(io::Error::new(io::ErrorKind::ConnectionAborted, reason));
        if let Poll::Ready(reason) = self.end.as_mut().poll(cx) {
            // It is not polled again.
            self.end = Box::pin(std::future::ready(reason));
            return aborted(reason);
        }
        if let Some(silence) = &mut self.silence
            && silence.as_mut().poll(cx).is_ready()
        {
            return aborted("nothing was said");
        }
        Ok(())
    }

    /// Something was said.
    fn heard(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.as_mut().reset(Instant::now() + SILENCE);
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        if read.is_ready() {
            self.heard();
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        if written.is_ready() {
            self.heard();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.linger = Some((Box::pin(sleep(LINGER)), LINGER_BYTES));
        }
        let Some((until, left)) = &mut this.linger else {
            return Poll::Ready(Ok(()));
        };
        let (socket, _) = this.io.get_mut();
        let mut bytes = [0; 8 * 1024];
        loop {
            if until.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut bytes);
            if ready!(Pin::new(&mut *socket).poll_read(cx, &mut buffer)).is_err() {
                return Poll::Ready(Ok(()));
            }
            let read = buffer.filled().len();
            if read == 0 || read > *left {
                return Poll::Ready(Ok(()));
            }
            *left -= read;
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        if written.is_ready() {
            self.heard();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
