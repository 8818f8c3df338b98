//! An Envoy is who its certificate says.

use envoy_types::pb::envoy::data::accesslog::v3::HttpAccessLogEntry;
use envoy_types::pb::envoy::service::accesslog::v3 as log;
use log::access_log_service_client::AccessLogServiceClient;

use super::*;

#[tokio::test]
async fn envoy_that_goes_by_the_name_of_another_gets_nothing_and_is_told_why() {
    let harness = Harness::start(mk_snapshot(&[(Cluster, "a", b"1")])).await;
    let mut client = harness.connect().await;
    let mut request = mk_request(Cluster, &[]);
    request.node.as_mut().unwrap().id = "edge-2".into();
    client.send(request).await;
    let status = timeout(SOON, client.responses.message())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(status.message().contains("\"edge-1\""), "{status}");
    assert!(harness.envoys.borrow().is_empty());
}

#[tokio::test]
async fn access_log_under_the_name_of_another_is_refused() {
    let harness = Harness::start(mk_snapshot(&[(Cluster, "a", b"1")])).await;
    let endpoint = Endpoint::from_shared(harness.address.clone()).unwrap();
    let mut service = AccessLogServiceClient::new(endpoint.connect().await.unwrap());
    let mut send = async |node: &str| {
        let identifier = log::stream_access_logs_message::Identifier {
            node: Some(Node {
                id: node.into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let entries = log::stream_access_logs_message::HttpAccessLogEntries {
            log_entry: vec![HttpAccessLogEntry::default()],
        };
        let message = log::StreamAccessLogsMessage {
            identifier: Some(identifier),
            log_entries: Some(log::stream_access_logs_message::LogEntries::HttpLogs(
                entries,
            )),
        };
        service
            .stream_access_logs(tokio_stream::once(message))
            .await
            .map(|_| ())
    };
    let refused = send("edge-2").await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    send("edge-1").await.unwrap();
    send("edge-1/of-a-fleet").await.unwrap();
    assert_eq!(*harness.logged.borrow(), ["edge-1", "edge-1/of-a-fleet"]);
}
