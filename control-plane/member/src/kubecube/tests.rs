use cubegate_domain::ClusterCredential;
use cubegate_testing::{cluster, path_of, serve};
use serde_json::{Value, json};

use super::{KubeCube, KubeCubeError, read_kubecube};
use crate::MemberSpec;

/// Reads from a server that answers a path with a status and a body.
async fn read(answer: fn(&str) -> (u16, Value)) -> Result<KubeCube, KubeCubeError> {
    let server = serve(move |head| {
        let (status, body) = answer(path_of(head));
        (status, body.to_string())
    });
    let cluster = cluster("kubecube", &server);
    read_kubecube(&MemberSpec {
        server: cluster.server,
        tls: cluster.tls,
        credential: ClusterCredential::BearerToken("good".to_owned()),
        warnings: Vec::new(),
        contexts: Vec::new(),
        files: Vec::new(),
    })
    .await
}

fn empty() -> (u16, Value) {
    (200, json!({ "metadata": {}, "items": [] }))
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let read = read(|path| {
        if !(path.starts_with("/apis/user.kubecube.io/v1/keys?") && path.contains("limit=100")) {
            return empty();
        }
        let key = |name: &str| json!({ "metadata": { "name": name }, "spec": { "secretKey": "s", "user": "u" } });
        if path.ends_with("&continue=a%2Fb%3D") {
            (200, json!({ "metadata": { "continue": "" }, "items": [key("two")] }))
        } else {
            (200, json!({ "metadata": { "continue": "a/b=" }, "items": [key("one")] }))
        }
    })
    .await
    .unwrap();
    let names: Vec<_> = read.keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
}

#[tokio::test]
async fn an_object_that_makes_no_sense_is_skipped_with_a_reason_and_no_secret() {
    let read = read(|path| {
        let items = if path.starts_with("/apis/user.kubecube.io/v1/keys") {
            json!([
                { "metadata": { "name": "good" }, "spec": { "secretKey": "s3cret", "user": "u" } },
                { "metadata": { "name": "typed" }, "spec": { "secretKey": ["s3cret"], "user": "u" } },
                { "metadata": { "name": "short" }, "spec": { "secretKey": "s3cret" } },
                { "metadata": { "name": "bare" } },
                { "spec": {} },
                "s3cret",
            ])
        } else if path.starts_with("/apis/cluster") {
            json!([{ "metadata": { "name": "c" }, "spec": { "kubeConfig": "s3cret!" } }])
        } else {
            json!([{ "metadata": { "name": "u" }, "spec": {} }])
        };
        (200, json!({ "items": items }))
    })
    .await
    .unwrap();
    assert_eq!(
        (read.users.len(), read.keys.len(), read.clusters.len()),
        (1, 1, 0)
    );
    let skipped: Vec<_> = read.skipped.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(skipped, ["typed", "short", "bare", "", "", "c"]);
    assert!(!format!("{read:?}").contains("s3cret"), "{read:?}");
}

#[tokio::test]
async fn a_server_that_is_no_kubecube_is_one_sentence() {
    let message = |error: Result<KubeCube, KubeCubeError>| error.unwrap_err().to_string();
    let sentence = message(read(|_| (404, json!({}))).await);
    assert!(
        sentence.contains("has no users.user.kubecube.io"),
        "{sentence}"
    );
    let sentence = message(read(|_| (403, json!({}))).await);
    assert!(
        sentence.contains("forbids the credential to list"),
        "{sentence}"
    );
    let sentence = message(read(|_| (401, json!({}))).await);
    assert!(sentence.contains("401"), "{sentence}");
    let sentence = message(read(|_| (410, json!({}))).await);
    assert!(sentence.contains("run the command again"), "{sentence}");
    let sentence = message(read(|_| (500, json!({}))).await);
    assert!(sentence.contains("it gives 500"), "{sentence}");
    let sentence = message(read(|_| (200, json!({ "kind": "Status" }))).await);
    assert!(sentence.contains("another form"), "{sentence}");
    let sentence =
        message(read(|_| (200, json!({ "metadata": { "continue": "x" }, "items": [] }))).await);
    assert!(sentence.contains("pages do not end"), "{sentence}");
}
