//! What a session answers, told as `Kind +put@version -removed`.

mod answers;
mod model;
mod order;
mod reach;
mod reconnect;
mod subscriptions;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cubegate_snapshot::ResourceType::{self, *};
use cubegate_snapshot::{Resource, Snapshot};
use envoy_types::pb::envoy::config::core::v3::Node as ProtoNode;
use envoy_types::pb::envoy::service::discovery::v3 as proto;
use envoy_types::pb::google::rpc::Status;

use super::*;
use crate::response::tests::decoded;

/// A hand-driven Envoy on one stream.
struct Envoy {
    session: Session,
    now: Instant,
    said_node: bool,
    /// The nonce of the last response of each type.
    nonces: BTreeMap<ResourceType, String>,
}

fn mk_resource(version: &str, content: &str) -> Resource {
    Resource {
        version: version.into(),
        value: content.to_owned().into(),
        // That is how these tests say it.
        stands_alone: content.starts_with("alone"),
    }
}

/// A snapshot out of `name@version`s.
fn mk_snapshot(resources: &[(ResourceType, &str)]) -> Arc<Snapshot> {
    let mut snapshot = Snapshot::default();
    for (kind, resource) in resources {
        let (name, version) = resource.split_once('@').unwrap();
        snapshot.insert(*kind, name, mk_resource(version, version));
    }
    Arc::new(snapshot)
}

fn mk_request(kind: ResourceType, names: &str) -> proto::DeltaDiscoveryRequest {
    let mut request = proto::DeltaDiscoveryRequest {
        type_url: kind.type_url().into(),
        ..Default::default()
    };
    for name in names.split_whitespace() {
        match name.split_at(1) {
            ("+", name) => request.resource_names_subscribe.push(name.into()),
            ("-", name) => request.resource_names_unsubscribe.push(name.into()),
            _ => panic!("write +name or -name, not {name}"),
        }
    }
    request
}

fn told(response: &proto::DeltaDiscoveryResponse) -> String {
    let kind = ResourceType::from_type_url(&response.type_url).unwrap();
    let mut text = format!("{kind:?}");
    for resource in &response.resources {
        text += &format!(" +{}@{}", resource.name, resource.version);
    }
    for name in &response.removed_resources {
        text += &format!(" -{name}");
    }
    text
}

impl Envoy {
    fn new(resources: &[(ResourceType, &str)]) -> Self {
        let mut this = Self {
            session: Session::new(),
            now: Instant::now(),
            said_node: false,
            nonces: BTreeMap::new(),
        };
        this.publish(resources);
        this
    }

    fn publish(&mut self, resources: &[(ResourceType, &str)]) {
        self.session.on_snapshot(mk_snapshot(resources));
    }

    fn send(&mut self, mut request: proto::DeltaDiscoveryRequest) {
        if !std::mem::replace(&mut self.said_node, true) {
            request.node = Some(ProtoNode {
                id: "edge-1".into(),
                ..Default::default()
            });
        }
        self.session.on_request(request).unwrap();
    }

    /// Sends subscriptions such as `+a -b` without a nonce.
    fn ask(&mut self, kind: ResourceType, names: &str) {
        self.send(mk_request(kind, names));
    }

    /// Begins a type as after a reconnect: `known` is `name@version …`.
    fn resume(&mut self, kind: ResourceType, names: &str, known: &str) {
        let mut request = mk_request(kind, names);
        request.initial_resource_versions = known
            .split_whitespace()
            .map(|known| known.split_once('@').unwrap())
            .map(|(name, version)| (name.into(), version.into()))
            .collect();
        self.send(request);
    }

    fn answer(&mut self, kind: ResourceType, names: &str, error: Option<&str>) {
        let mut request = mk_request(kind, names);
        request.response_nonce = self.nonces[&kind].clone();
        request.error_detail = error.map(|message| Status {
            message: message.into(),
            ..Default::default()
        });
        self.send(request);
    }

    fn ack(&mut self, kind: ResourceType) {
        self.answer(kind, "", None);
    }

    fn nack(&mut self, kind: ResourceType) {
        self.answer(kind, "", Some("bad"));
    }

    fn poll(&mut self) -> Vec<String> {
        let responses = self.session.poll_responses(self.now);
        let responses: Vec<_> = responses.iter().map(decoded).collect();
        for response in &responses {
            let kind = ResourceType::from_type_url(&response.type_url).unwrap();
            self.nonces.insert(kind, response.nonce.clone());
        }
        responses.iter().map(told).collect()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// Polls and acknowledges until there is silence; all that was told.
    fn settle(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let told = self.poll();
            if told.is_empty() {
                return all;
            }
            let kinds: Vec<_> = ResourceType::ALL
                .into_iter()
                .filter(|kind| {
                    told.iter()
                        .any(|told| told.starts_with(&format!("{kind:?}")))
                })
                .collect();
            all.extend(told);
            for kind in kinds {
                self.ack(kind);
            }
        }
    }
}
