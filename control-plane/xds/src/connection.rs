//! A connection, and whose it is. Whoever accepts connections has checked that.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::Status;
use tonic::codegen::http::Extensions;
use tonic::transport::server::Connected;

/// Longest name of an Envoy in its fleet: that of a pod.
const MAX_MEMBER_BYTES: usize = 253;

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
    /// Returns the one that a request came from.
    pub(crate) fn of(extensions: &Extensions) -> Result<Self, Status> {
        extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Status::unauthenticated("it is not known who asks"))
    }

    /// Whether the Envoy may go by that name: the certificate's, or one of a fleet's that has
    /// the certificate in common, which is that name, a slash and what tells it from others.
    pub(crate) fn check(&self, claimed: &str) -> Result<(), Status> {
        let own = claimed.strip_prefix(self.node.as_str());
        if own.is_some_and(|own| own.is_empty() || own.strip_prefix('/').is_some_and(is_member)) {
            return Ok(());
        }
        Err(Status::permission_denied(format!(
            "the certificate is that of the Envoy {:?}, and not of {claimed:?}; give each Envoy \
             the files that `cubegate bootstrap --node-id` has written for it, or those of a \
             fleet a name that begins with {:?}",
            self.node,
            format!("{}/", self.node)
        )))
    }
}

/// Whether this tells an Envoy from others of its fleet: up to 253 of the characters of a
/// Kubernetes object's name, and of Envoys' names.
fn is_member(name: &str) -> bool {
    (1..=MAX_MEMBER_BYTES).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_good_for_its_name_and_for_those_of_its_fleet() {
        let peer = Peer {
            node: "edge".to_owned(),
            issued_at: SystemTime::UNIX_EPOCH,
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
        };
        for good in ["edge", "edge/cubegate-envoy-7c9d-x2x4z", "edge/1"] {
            peer.check(good).unwrap();
        }
        let long = format!("edge/{}", "x".repeat(254));
        for bad in [
            "",
            "edge/",
            "edge-1",
            "edge.1",
            "edge/a/b",
            "edge/a b",
            "other/edge",
            &long,
        ] {
            assert_eq!(
                peer.check(bad).unwrap_err().code(),
                tonic::Code::PermissionDenied,
                "{bad}"
            );
        }
    }
}
