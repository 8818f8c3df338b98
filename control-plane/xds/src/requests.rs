//! What Envoy says on a stream, message by message.
//!
//! tonic keeps a buffer as large as the largest message for as long as the stream lives. Envoy asks
//! for the secrets of a thousand clusters in one, and then says no more than a word at a time.

use bytes::{Buf as _, Bytes, BytesMut};
use envoy_types::pb::envoy::service::discovery::v3 as proto;
use http_body_util::BodyExt as _;
use prost::Message as _;
use tonic::Status;
use tonic::body::Body;

/// A reconnecting Envoy lists all resources that it has, at some 50 bytes each.
const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;

/// What precedes a message: whether it is compressed, and its length
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
const PREFIX_BYTES: usize = 5;

/// Reads them.
pub(crate) struct Requests {
    body: Body,
    /// What has come of the next ones.
    buffer: BytesMut,
}

// === impl Requests ===

impl Requests {
    pub(crate) fn new(body: Body) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
        }
    }

    /// Returns the next one, `None` after the last. It may be dropped and called again.
    ///
    /// # Errors
    /// A connection that breaks, and what is no message.
    pub(crate) async fn next(&mut self) -> Result<Option<proto::DeltaDiscoveryRequest>, Status> {
        loop {
            if let Some(message) = self.take()? {
                let request = proto::DeltaDiscoveryRequest::decode(message);
                return request.map(Some).map_err(|error| {
                    Status::internal(format!("a request cannot be read: {error}"))
                });
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(Status::internal("the stream ends within a request")),
            }
        }
    }

    /// Takes a message out, if all of it is there.
    fn take(&mut self) -> Result<Option<Bytes>, Status> {
        let Some(mut prefix) = self.buffer.get(..PREFIX_BYTES) else {
            return Ok(None);
        };
        if prefix.get_u8() != 0 {
            return Err(Status::unimplemented(
                "a request is compressed, which is not read here",
            ));
        }
        let bytes = usize::try_from(prefix.get_u32()).unwrap_or(usize::MAX);
        if bytes > MAX_REQUEST_BYTES {
            return Err(Status::resource_exhausted(format!(
                "a request has {bytes} bytes, more than {MAX_REQUEST_BYTES}"
            )));
        }
        if self.buffer.len() - PREFIX_BYTES < bytes {
            return Ok(None);
        }
        self.buffer.advance(PREFIX_BYTES);
        let message = self.buffer.split_to(bytes).freeze();
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use tonic::Code;

    use super::*;

    fn mk_request(nonce: &str) -> proto::DeltaDiscoveryRequest {
        proto::DeltaDiscoveryRequest {
            response_nonce: nonce.to_owned(),
            ..Default::default()
        }
    }

    fn framed(request: &proto::DeltaDiscoveryRequest) -> Vec<u8> {
        let message = request.encode_to_vec();
        let length = u32::try_from(message.len()).unwrap();
        [&[0], &length.to_be_bytes()[..], &message].concat()
    }

    /// Everything in frames of this many bytes.
    fn mk(bytes: &[u8], frame: usize) -> Requests {
        let frames: Vec<_> = bytes
            .chunks(frame)
            .map(|bytes| Ok::<_, Status>(http_body::Frame::data(Bytes::copy_from_slice(bytes))))
            .collect();
        let body = http_body_util::StreamBody::new(tokio_stream::iter(frames));
        Requests::new(Body::new(body))
    }

    #[tokio::test]
    async fn they_are_read_however_they_are_cut() {
        let all = [
            mk_request("1"),
            mk_request(&"2".repeat(300)),
            mk_request(""),
        ];
        let bytes: Vec<u8> = all.iter().flat_map(framed).collect();
        for frame in [1, 4, 7, 1000] {
            let mut requests = mk(&bytes, frame);
            for request in &all {
                assert_eq!(requests.next().await.unwrap().as_ref(), Some(request));
            }
            assert_eq!(requests.next().await.unwrap(), None);
            assert_eq!(requests.buffer.capacity(), 0);
        }
    }

    #[tokio::test]
    async fn what_is_no_request_ends_the_stream_with_the_reason() {
        let too_long = [&[0][..], &5_000_000_u32.to_be_bytes()].concat();
        for (bytes, code, reason) in [
            (&[1, 0, 0, 0, 0][..], Code::Unimplemented, "compressed"),
            (&too_long, Code::ResourceExhausted, "5000000"),
            (
                &[0, 0, 0, 0, 2, 0xff, 0xff],
                Code::Internal,
                "cannot be read",
            ),
            (&[0, 0, 0, 0, 2, 0], Code::Internal, "within"),
            (&[0, 0], Code::Internal, "within"),
        ] {
            let status = mk(bytes, 3).next().await.unwrap_err();
            assert_eq!(status.code(), code, "{status}");
            assert!(status.message().contains(reason), "{status}");
        }
        let mut requests = Requests::new(Body::new(Full::new(Bytes::new())));
        assert_eq!(requests.next().await.unwrap(), None);
    }
}
