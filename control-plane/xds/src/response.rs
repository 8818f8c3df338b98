//! A response as it goes to Envoy: the resources in it are bytes that all streams share.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use cubegate_snapshot::{Resource, ResourceType};
use envoy_types::pb::envoy::service::discovery::v3 as proto;
use envoy_types::pb::google::protobuf::Any;
use prost::Message as _;

/// The tags of what is written piece by piece: `DeltaDiscoveryResponse.resources`,
/// `Resource.resource` and `Any.value`. All three happen to be field 2, of a length that precedes
/// it (<https://protobuf.dev/programming-guides/encoding/#structure>).
const NESTED: u8 = 2 << 3 | 2;

/// What is shorter is copied into the piece before it: a piece of its own costs some hundred bytes,
/// too.
const SHARED_FROM_BYTES: usize = 1024;

/// What precedes a message of gRPC: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// What Envoy is told of one type.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The type of its resources.
    pub kind: ResourceType,
    /// By what Envoy's answer names it.
    pub nonce: String,
    /// The version of the whole type.
    pub version: String,
    /// What Envoy shall have, by name.
    pub resources: Vec<(Arc<str>, Arc<Resource>)>,
    /// The names of what it shall lose, or has asked for in vain.
    pub removed: Vec<Arc<str>>,
}

// === impl Response ===

impl Response {
    /// Returns a message of gRPC, uncompressed
    /// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>), in pieces.
    pub fn message(&self) -> Vec<Bytes> {
        let head = proto::DeltaDiscoveryResponse {
            system_version_info: self.version.clone(),
            type_url: self.kind.type_url().to_owned(),
            nonce: self.nonce.clone(),
            removed_resources: self.removed.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        let mut pieces = Pieces::default();
        pieces.open.put_slice(&head.encode_to_vec());
        let any = head_of_any(self.kind);
        for (name, resource) in &self.resources {
            pieces.put_resource(&any, name, resource);
        }
        pieces.into_message()
    }
}

/// A message that is being written.
#[derive(Default)]
struct Pieces {
    done: Vec<Bytes>,
    open: BytesMut,
}

// === impl Pieces ===

impl Pieces {
    /// `any` is the message around the value up to that.
    fn put_resource(&mut self, any: &[u8], name: &str, resource: &Resource) {
        let value = &resource.value;
        let mut any = BytesMut::from(any);
        put_length(&mut any, value.len());
        let entry = proto::Resource {
            name: name.to_owned(),
            version: resource.version.to_string(),
            ..Default::default()
        };
        let mut entry = BytesMut::from(&*entry.encode_to_vec());
        put_length(&mut entry, any.len() + value.len());
        put_length(&mut self.open, entry.len() + any.len() + value.len());
        self.open.put_slice(&entry);
        self.open.put_slice(&any);
        if value.len() < SHARED_FROM_BYTES {
            self.open.put_slice(value);
        } else {
            self.done.push(self.open.split().freeze());
            self.done.push(value.clone());
        }
    }

    fn into_message(mut self) -> Vec<Bytes> {
        self.done.push(self.open.freeze());
        let bytes: usize = self.done.iter().map(Bytes::len).sum();
        let mut prefix = BytesMut::with_capacity(PREFIX_BYTES);
        prefix.put_u8(0);
        // A response is cut at 1 MiB, and no resource is as long as a length can say.
        prefix.put_u32(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.done.insert(0, prefix.freeze());
        self.done.retain(|piece| !piece.is_empty());
        self.done
    }
}

fn head_of_any(kind: ResourceType) -> Vec<u8> {
    let any = Any {
        type_url: kind.type_url().to_owned(),
        ..Default::default()
    };
    any.encode_to_vec()
}

/// Begins a nested field of this length.
fn put_length(to: &mut BytesMut, length: usize) {
    to.put_u8(NESTED);
    // It makes room for itself.
    let _ = prost::encode_length_delimiter(length, to);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The same as Envoy reads it.
    pub(crate) fn decoded(response: &Response) -> proto::DeltaDiscoveryResponse {
        let message = response.message().concat();
        let (prefix, body) = message.split_at(PREFIX_BYTES);
        let length = u32::try_from(body.len()).unwrap();
        assert_eq!(prefix, [&[0], &length.to_be_bytes()[..]].concat());
        proto::DeltaDiscoveryResponse::decode(body).unwrap()
    }

    fn mk_resource(bytes: usize) -> Arc<Resource> {
        Arc::new(Resource {
            version: format!("v{bytes}").into(),
            value: vec![b'x'; bytes].into(),
            stands_alone: false,
        })
    }

    #[test]
    fn it_is_the_message_of_the_protocol_at_any_length() {
        let lengths = [0, 1, 127, 128, 1023, 1024, 16_384, 3_000_000];
        let resources = lengths.map(|bytes| (format!("r{bytes}").into(), mk_resource(bytes)));
        let response = Response {
            kind: ResourceType::Cluster,
            nonce: "7".to_owned(),
            version: "abc".to_owned(),
            resources: resources.to_vec(),
            removed: vec!["gone".into()],
        };
        let resource = |bytes: usize| proto::Resource {
            name: format!("r{bytes}"),
            version: format!("v{bytes}"),
            resource: Some(Any {
                type_url: ResourceType::Cluster.type_url().to_owned(),
                value: vec![b'x'; bytes],
            }),
            ..Default::default()
        };
        let expected = proto::DeltaDiscoveryResponse {
            system_version_info: "abc".to_owned(),
            type_url: ResourceType::Cluster.type_url().to_owned(),
            nonce: "7".to_owned(),
            resources: lengths.map(resource).to_vec(),
            removed_resources: vec!["gone".to_owned()],
            ..Default::default()
        };
        assert!(decoded(&response) == expected);
    }

    #[test]
    fn what_is_large_is_shared_and_not_copied() {
        let large = mk_resource(5000);
        let response = Response {
            kind: ResourceType::Secret,
            nonce: String::new(),
            version: String::new(),
            resources: vec![("a".into(), Arc::clone(&large))],
            removed: Vec::new(),
        };
        let pieces = response.message();
        let is_it = |piece: &&Bytes| piece.as_ptr() == large.value.as_ptr();
        assert_eq!(pieces.iter().filter(is_it).count(), 1);
        let others: usize = pieces
            .iter()
            .filter(|piece| !is_it(piece))
            .map(Bytes::len)
            .sum();
        assert!(others < 200, "{others}");
    }
}
