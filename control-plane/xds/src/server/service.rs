//! The gRPC service of delta discovery.
//!
//! What it sends are pieces that all streams share ([`Response`](crate::response::Response)), and
//! therefore no messages of tonic's: those are encoded for each stream into a buffer, which stays as
//! large as the largest of them (the filter's 1.5 MB) for as long as the Envoy is connected. What it
//! reads is likewise ([`Requests`]).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec;

use bytes::Bytes;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::SERVICE_NAME;
use http_body::Frame;
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::codegen::http::header::CONTENT_TYPE;
use tonic::codegen::http::{self, HeaderMap, HeaderValue};
use tonic::codegen::{BoxFuture, Service};
use tonic::metadata::GRPC_CONTENT_TYPE;
use tonic::server::NamedService;
use tonic::{Code, Status};

use super::Ads;
use crate::connection::Peer;
use crate::requests::Requests;
use crate::stream::Outgoing;

/// The path of the method that is served.
const DELTA: &str =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

/// The path of the variant that is not.
const STATE_OF_THE_WORLD: &str =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

/// Serves it.
#[derive(Debug, Clone)]
pub(super) struct Discovery(Arc<Ads>);

/// What goes out on one stream.
struct Messages {
    outgoing: mpsc::Receiver<Outgoing>,
    /// What is left of the message that is under way.
    pieces: vec::IntoIter<Bytes>,
    is_over: bool,
}

// === impl Discovery ===

impl Discovery {
    pub(super) fn new(ads: Ads) -> Self {
        Self(Arc::new(ads))
    }

    fn answer(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Status> {
        match request.uri().path() {
            DELTA => {}
            STATE_OF_THE_WORLD => {
                return Err(Status::unimplemented(
                    "Cubegate serves the delta variant of ADS only; set dynamic_resources.ads_config.api_type \
                     to DELTA_GRPC in Envoy's bootstrap",
                ));
            }
            _ => return Err(Status::unimplemented("")),
        }
        let peer = Peer::of(request.extensions())?;
        let messages = Messages {
            outgoing: self.0.serve(peer, Requests::new(request.into_body())),
            pieces: Vec::new().into_iter(),
            is_over: false,
        };
        let mut response = http::Response::new(Body::new(messages));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, GRPC_CONTENT_TYPE);
        Ok(response)
    }
}

impl NamedService for Discovery {
    const NAME: &'static str = SERVICE_NAME;
}

impl Service<http::Request<Body>> for Discovery {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answer = self.answer(request).unwrap_or_else(Status::into_http);
        Box::pin(async { Ok(answer) })
    }
}

// === impl Messages ===

impl http_body::Body for Messages {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(piece) = self.pieces.next() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            let status = match ready!(self.outgoing.poll_recv(context)) {
                Some(Ok(pieces)) => {
                    self.pieces = pieces.into_iter();
                    continue;
                }
                Some(Err(status)) => status,
                None => Status::new(Code::Ok, ""),
            };
            self.is_over = true;
            return Poll::Ready(Some(Ok(Frame::trailers(trailers(&status)))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}

/// How a stream ends.
fn trailers(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        let code = HeaderValue::from(i32::from(Code::Internal));
        trailers.insert(Status::GRPC_STATUS, code);
    }
    trailers
}
