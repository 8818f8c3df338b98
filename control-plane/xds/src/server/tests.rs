//! A real gRPC client on the loopback interface.

mod held;
mod identity;

use std::time::SystemTime;

use cubegate_snapshot::Resource;
use cubegate_snapshot::ResourceType::{self, *};
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3 as proto;
use envoy_types::pb::google::rpc;
use proto::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};

use super::*;
use crate::EnvoyStatus;

const SOON: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_millis(200);

/// A running server and what is needed to talk to it.
struct Harness {
    address: String,
    snapshots: watch::Sender<Arc<Snapshot>>,
    envoys: watch::Receiver<Envoys>,
    logged: watch::Receiver<Vec<String>>,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<Result<(), XdsError>>,
}

/// One delta stream.
struct Client {
    requests: mpsc::Sender<proto::DeltaDiscoveryRequest>,
    responses: Streaming<proto::DeltaDiscoveryResponse>,
}

fn mk_snapshot(resources: &[(ResourceType, &str, &[u8])]) -> Arc<Snapshot> {
    let mut snapshot = Snapshot::default();
    for (kind, name, content) in resources {
        let version = String::from_utf8_lossy(&content[..content.len().min(8)]);
        let resource = Resource {
            version: version.into(),
            value: content.to_vec().into(),
            stands_alone: false,
        };
        snapshot.insert(*kind, *name, resource);
    }
    Arc::new(snapshot)
}

fn mk_request(kind: ResourceType, names: &[&str]) -> proto::DeltaDiscoveryRequest {
    proto::DeltaDiscoveryRequest {
        node: Some(Node {
            id: "edge-1".into(),
            ..Default::default()
        }),
        type_url: kind.type_url().into(),
        resource_names_subscribe: names.iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

impl Harness {
    async fn start(snapshot: Arc<Snapshot>) -> Self {
        Self::holding(snapshot, watch::channel(None).1).await
    }

    async fn holding(snapshot: Arc<Snapshot>, held: watch::Receiver<Option<String>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (snapshots, receiver) = watch::channel(snapshot);
        let (logs, logged) = watch::channel(Vec::new());
        let server = XdsServer::new(receiver)
            .with_access_log(AccessLog::new("note", move |node, _| {
                logs.send_modify(|nodes| nodes.push(node.to_owned()));
            }))
            .holding(held);
        let envoys = server.envoys();
        let (shutdown, stop) = oneshot::channel::<()>();
        let incoming = TcpListenerStream::new(listener).map(|stream| {
            let stream = stream.unwrap();
            let peer = Peer {
                node: "edge-1".to_owned(),
                issued_at: SystemTime::UNIX_EPOCH,
                address: stream.peer_addr().unwrap(),
            };
            Connection::new(stream, peer)
        });
        let task = tokio::spawn(server.serve(incoming, async {
            let _ = stop.await;
        }));
        Self {
            address,
            snapshots,
            envoys,
            logged,
            shutdown,
            task,
        }
    }

    async fn service(&self) -> AggregatedDiscoveryServiceClient<Channel> {
        let endpoint = Endpoint::from_shared(self.address.clone()).unwrap();
        let channel = endpoint.connect().await.unwrap();
        AggregatedDiscoveryServiceClient::new(channel).max_decoding_message_size(16 * 1024 * 1024)
    }

    async fn connect(&self) -> Client {
        let (requests, outgoing) = mpsc::channel(10);
        let mut service = self.service().await;
        let responses = service
            .delta_aggregated_resources(ReceiverStream::new(outgoing))
            .await;
        Client {
            requests,
            responses: responses.unwrap().into_inner(),
        }
    }

    /// The state of the only Envoy, once it is as wanted.
    async fn envoy(&mut self, wanted: impl Fn(&EnvoyStatus) -> bool) -> EnvoyStatus {
        let found = self.envoys.wait_for(|envoys| envoys.values().any(&wanted));
        let envoys = timeout(SOON, found)
            .await
            .expect("no Envoy is in that state")
            .unwrap();
        assert_eq!(envoys.len(), 1);
        envoys.values().next().unwrap().clone()
    }

    async fn until_nobody_is_connected(&mut self) {
        let gone = self.envoys.wait_for(|envoys| envoys.is_empty());
        timeout(SOON, gone)
            .await
            .expect("somebody is still connected")
            .unwrap();
    }
}

impl Client {
    async fn send(&self, request: proto::DeltaDiscoveryRequest) {
        self.requests.send(request).await.unwrap();
    }

    async fn receive(&mut self) -> proto::DeltaDiscoveryResponse {
        let message = timeout(SOON, self.responses.message())
            .await
            .expect("nothing came");
        message.unwrap().expect("the stream has ended")
    }

    async fn answer(&self, response: &proto::DeltaDiscoveryResponse, error: Option<&str>) {
        self.send(proto::DeltaDiscoveryRequest {
            type_url: response.type_url.clone(),
            response_nonce: response.nonce.clone(),
            error_detail: error.map(|message| rpc::Status {
                message: message.into(),
                ..Default::default()
            }),
            ..Default::default()
        })
        .await;
    }
}

fn names(response: &proto::DeltaDiscoveryResponse) -> Vec<&str> {
    response
        .resources
        .iter()
        .map(|resource| resource.name.as_str())
        .collect()
}

#[tokio::test]
async fn envoy_gets_changes_and_its_answers_are_on_the_status_page() {
    let before = SystemTime::now();
    let mut harness =
        Harness::start(mk_snapshot(&[(Cluster, "a", b"1"), (Cluster, "b", b"1")])).await;
    let mut client = harness.connect().await;
    client.send(mk_request(Cluster, &[])).await;
    let first = client.receive().await;
    assert_eq!(names(&first), ["a", "b"]);
    client.answer(&first, None).await;
    let status = harness.envoy(|envoy| !envoy.accepted.is_empty()).await;
    assert_eq!(status.node.id, "edge-1");
    assert!(status.peer.unwrap().ip().is_loopback());
    assert!(status.connected_at >= before);
    let accepted = &status.accepted[&Cluster];
    assert_eq!(
        (&accepted.version, accepted.resources),
        (&first.system_version_info, 2)
    );

    harness
        .snapshots
        .send_replace(mk_snapshot(&[(Cluster, "a", b"1"), (Cluster, "b", b"2")]));
    let second = client.receive().await;
    assert_eq!(names(&second), ["b"]);
    assert_ne!(second.system_version_info, first.system_version_info);
    client.answer(&second, Some("b is bad")).await;
    let status = harness.envoy(|envoy| envoy.last_refusal.is_some()).await;
    let refusal = status.last_refusal.unwrap();
    assert_eq!(refusal.reason, "b is bad");
    assert_eq!(
        (refusal.kind, refusal.names),
        (Cluster, vec!["b".to_owned()])
    );
    assert_eq!(refusal.version, second.system_version_info);
    assert_eq!(status.accepted[&Cluster].version, first.system_version_info);

    drop(client);
    harness.until_nobody_is_connected().await;
}

#[tokio::test]
async fn what_changes_while_envoy_has_not_answered_is_sent_as_one() {
    let harness = Harness::start(mk_snapshot(&[(Cluster, "a", b"0")])).await;
    let mut client = harness.connect().await;
    client.send(mk_request(Cluster, &[])).await;
    let first = client.receive().await;
    client.answer(&first, None).await;
    let publish = |version: u8| {
        let snapshot = mk_snapshot(&[(Cluster, "a", &[b'0' + version])]);
        harness.snapshots.send_replace(snapshot);
    };
    // The first of them waits for nothing.
    publish(1);
    let second = client.receive().await;
    assert_eq!(second.resources[0].version, "1");
    for version in 2..=9 {
        publish(version);
        tokio::task::yield_now().await;
    }
    let early = timeout(QUIET, client.responses.message()).await;
    assert!(early.is_err(), "{early:?}");
    client.answer(&second, None).await;
    assert_eq!(client.receive().await.resources[0].version, "9");
    let more = timeout(QUIET, client.responses.message()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn empty_snapshot_is_not_sent() {
    let harness = Harness::start(Arc::default()).await;
    let mut client = harness.connect().await;
    client.send(mk_request(Cluster, &[])).await;
    assert!(timeout(QUIET, client.responses.message()).await.is_err());
    harness
        .snapshots
        .send_replace(mk_snapshot(&[(Cluster, "a", b"1")]));
    let response = client.receive().await;
    assert_eq!(names(&response), ["a"]);
    client.answer(&response, None).await;
    harness.snapshots.send_replace(Arc::default());
    assert!(timeout(QUIET, client.responses.message()).await.is_err());
}

#[tokio::test]
async fn filter_module_may_travel_inside_a_resource() {
    let module = vec![b'x'; 12 * 1024 * 1024];
    let harness = Harness::start(mk_snapshot(&[(ExtensionConfig, "filter", &module)])).await;
    let mut client = harness.connect().await;
    client.send(mk_request(ExtensionConfig, &["filter"])).await;
    let response = client.receive().await;
    assert_eq!(
        response.resources[0].resource.as_ref().unwrap().value.len(),
        module.len()
    );
}

#[tokio::test]
async fn type_that_is_not_served_does_not_end_the_stream() {
    let harness = Harness::start(mk_snapshot(&[(Cluster, "a", b"1")])).await;
    let mut client = harness.connect().await;
    let mut request = mk_request(Cluster, &[]);
    request.type_url = "type.googleapis.com/envoy.service.runtime.v3.Runtime".into();
    client.send(request).await;
    client.send(mk_request(Cluster, &[])).await;
    assert_eq!(names(&client.receive().await), ["a"]);
}

#[tokio::test]
async fn stream_without_a_node_is_ended_with_the_reason() {
    let harness = Harness::start(mk_snapshot(&[(Cluster, "a", b"1")])).await;
    let mut client = harness.connect().await;
    let mut request = mk_request(Cluster, &[]);
    request.node = None;
    client.send(request).await;
    let status = timeout(SOON, client.responses.message())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("node.id"), "{status}");
    assert!(harness.envoys.borrow().is_empty());
}

#[tokio::test]
async fn state_of_the_world_is_refused_with_the_setting_to_change() {
    let harness = Harness::start(mk_snapshot(&[(Cluster, "a", b"1")])).await;
    let mut service = harness.service().await;
    let status = service
        .stream_aggregated_resources(tokio_stream::empty())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("DELTA_GRPC"), "{status}");
}

#[tokio::test]
async fn shutdown_ends_the_streams_and_the_server() {
    let mut harness = Harness::start(mk_snapshot(&[(Cluster, "a", b"1")])).await;
    let mut client = harness.connect().await;
    client.send(mk_request(Cluster, &[])).await;
    client.receive().await;
    let (shutdown, _) = oneshot::channel();
    std::mem::replace(&mut harness.shutdown, shutdown)
        .send(())
        .unwrap();
    assert!(
        timeout(SOON, client.responses.message())
            .await
            .unwrap()
            .unwrap()
            .is_none()
    );
    drop(client);
    timeout(SOON, &mut harness.task)
        .await
        .expect("it still runs")
        .unwrap()
        .unwrap();
    assert!(harness.envoys.borrow().is_empty());
}

#[tokio::test]
async fn envoy_that_does_not_read_is_sent_the_newest_when_it_does() {
    let big = |version: u8| vec![version; 3 * 1024 * 1024];
    let snapshot =
        |version: u8| mk_snapshot(&[(Cluster, "a", &big(version)), (Secret, "s", &big(version))]);
    let harness = Harness::start(snapshot(b'0')).await;
    let mut client = harness.connect().await;
    client.send(mk_request(Secret, &["s"])).await;
    client.send(mk_request(Cluster, &[])).await;
    for version in b'1'..=b'5' {
        tokio::time::sleep(Duration::from_millis(60)).await;
        harness.snapshots.send_replace(snapshot(version));
    }
    let mut versions = Vec::new();
    while versions.last() != Some(&"55555555".to_owned()) {
        let response = client.receive().await;
        client.answer(&response, None).await;
        if response.type_url == Cluster.type_url() {
            versions.push(response.resources[0].version.clone());
        }
    }
    assert!(versions.len() <= 3, "{versions:?}");
}
