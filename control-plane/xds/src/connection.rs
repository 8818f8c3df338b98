//! A connection, and whose it is. Whoever accepts connections has checked that.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::Status;
use tonic::transport::server::Connected;

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The Envoy's name, as its certificate says.
    pub node: String,
    /// When that was issued.
    pub issued_at: SystemTime,
    /// Where it calls from.
    pub address: SocketAddr,
}

/// A connection that is secured already, or does not leave the process.
#[derive(Debug)]
pub struct Connection<IO> {
    io: IO,
    peer: Peer,
}

// === impl Peer ===

impl Peer {
    /// The one that a request came from.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Result<Self, Status> {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Status::unauthenticated("it is not known who asks"))
    }

    /// Whether the Envoy may go by that name.
    pub(crate) fn check(&self, claimed: &str) -> Result<(), Status> {
        if claimed == self.node {
            return Ok(());
        }
        Err(Status::permission_denied(format!(
            "the certificate is that of the Envoy {:?}, and not of {claimed:?}; give each Envoy \
             the files that `cubegate bootstrap --node-id` has written for it",
            self.node
        )))
    }
}

// === impl Connection ===

impl<IO> Connection<IO> {
    /// This connection is from `peer`.
    pub fn new(io: IO, peer: Peer) -> Self {
        Self { io, peer }
    }
}

impl<IO> Connected for Connection<IO> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Connection<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Connection<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
