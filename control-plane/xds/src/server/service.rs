//! The gRPC service of delta discovery, with an encoder of its own.
//!
//! tonic encodes all messages of a stream into one buffer, of which it hands out pieces. One that has
//! grown keeps its size for as long as the Envoy is connected. Left to itself it grows by doubling, and
//! has several messages at a time: five megabytes for an Envoy that has been sent as much once. Here
//! it is as large as the largest message needs.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use envoy_types::pb::envoy::service::discovery::v3 as proto;
use prost::Message as _;
use proto::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer, SERVICE_NAME,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codec::{BufferSettings, Codec, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::{ProstCodec, ProstDecoder};

use super::{Ads, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES};
use crate::stream::Outgoing;

/// The path of the one method that is served.
const DELTA: &str =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

/// Serves it.
#[derive(Clone)]
pub(super) struct Discovery {
    ads: Arc<Ads>,
    /// What says of everything else that it is not.
    others: AggregatedDiscoveryServiceServer<Ads>,
}

struct Delta(Arc<Ads>);

/// Messages, each in a buffer of its size.
#[derive(Clone, Copy, Default)]
struct Exact;

// === impl Discovery ===

impl Discovery {
    pub(super) fn new(ads: Ads) -> Self {
        let ads = Arc::new(ads);
        Self {
            others: AggregatedDiscoveryServiceServer::from_arc(Arc::clone(&ads)),
            ads,
        }
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
        if request.uri().path() != DELTA {
            return self.others.call(request);
        }
        let method = Delta(Arc::clone(&self.ads));
        Box::pin(async move {
            let grpc = Grpc::new(Exact);
            let (reads, writes) = (Some(MAX_REQUEST_BYTES), Some(MAX_RESPONSE_BYTES));
            let mut grpc = grpc.apply_max_message_size_config(reads, writes);
            Ok(grpc.streaming(method, request).await)
        })
    }
}

// === impl Delta ===

impl StreamingService<proto::DeltaDiscoveryRequest> for Delta {
    type Response = proto::DeltaDiscoveryResponse;
    type ResponseStream = ReceiverStream<Outgoing>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<proto::DeltaDiscoveryRequest>>) -> Self::Future {
        let ads = Arc::clone(&self.0);
        Box::pin(async move { ads.delta_aggregated_resources(request).await })
    }
}

// === impl Exact ===

impl Codec for Exact {
    type Encode = proto::DeltaDiscoveryResponse;
    type Decode = proto::DeltaDiscoveryRequest;
    type Encoder = Self;
    type Decoder = ProstDecoder<proto::DeltaDiscoveryRequest>;

    fn encoder(&mut self) -> Self::Encoder {
        *self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<Self::Encode, Self::Decode>::raw_decoder(BufferSettings::default())
    }
}

impl Encoder for Exact {
    type Item = proto::DeltaDiscoveryResponse;
    type Error = Status;

    fn encode(&mut self, item: Self::Item, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(item.encoded_len());
        item.encode(buffer)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
