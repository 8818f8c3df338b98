//! What is read: every kind of path in every encoding, and what is refused.

use super::*;
use crate::support::in_the_world;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const METADATA: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const YAML: &str = "application/yaml";

/// As kubectl, client-go, curl, and who knows what ask.
const ENCODINGS: [&str; 8] = [
    JSON,
    PROTOBUF,
    "application/vnd.kubernetes.protobuf, */*",
    YAML,
    TABLE,
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
    "*/*",
    "application/xml",
];

/// Returns the paths that lead to objects and lists.
fn of_objects(objects: &Objects) -> Vec<(String, u16)> {
    let core = |rest: &str| (objects.core(rest), 200);
    vec![
        core("configmaps"),
        core("configmaps/a"),
        core("configmaps?labelSelector=app%21%3Da"),
        core("configmaps?fieldSelector=metadata.name%3Db"),
        core("configmaps?limit=2"),
        core("configmaps?resourceVersion=0"),
        core("secrets"),
        core("secrets/s"),
        core("pods"),
        core("pods/p"),
        core("pods/p/status"),
        core("services/svc"),
        core("events"),
        (objects.apps("deployments"), 200),
        (objects.apps("deployments/d"), 200),
        (objects.apps("deployments/d/scale"), 200),
        (format!("/api/v1/namespaces/{}", objects.namespace), 200),
        ("/api/v1/nodes".to_owned(), 200),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin".to_owned(),
            200,
        ),
        (
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned(),
            200,
        ),
        (objects.core("configmaps/none"), 404),
        (objects.core("nothings"), 404),
        ("/apis/nothing.example/v1/things".to_owned(), 404),
    ]
}

#[test]
fn objects_and_lists_are_the_api_servers_own_in_every_encoding() -> Result<()> {
    in_the_world(async |world| {
        let (pair, objects) = (Pair::admin(world).await?, Objects::new(world).await?);
        let mut cases = Vec::new();
        for (path, status) in of_objects(&objects) {
            for encoding in ENCODINGS {
                // Tables of what is no list, and what no server writes, are of its version.
                let status = (encoding == JSON).then_some(status);
                cases.push(Case::get(&path, status).accept(encoding));
            }
            cases.push(Case::get(&path, None));
            cases.push(Case::get(&path, None).accept(METADATA));
            cases.push(Case::get(&path, None).accept(METADATA_LIST));
            cases.push(Case::new(Method::HEAD, &path, None));
        }
        ensure!(pair.check(&cases).await? >= 270);
        Ok(())
    })
}

#[test]
fn discovery_and_what_a_server_says_of_itself_are_its_own() -> Result<()> {
    in_the_world(async |world| {
        let pair = Pair::admin(world).await?;
        let mut cases = Vec::new();
        for path in [
            "/api",
            "/apis",
            "/api/v1",
            "/apis/apps",
            "/apis/apps/v1",
            "/apis/batch/v1",
            "/apis/nothing.example",
            "/version",
            "/openapi/v2",
            "/openapi/v3",
            "/openapi/v3/api/v1",
            "/healthz",
            "/healthz/ping",
            "/livez",
            "/readyz",
            "/readyz?verbose",
            "/.well-known/openid-configuration",
            "/openid/v1/jwks",
        ] {
            for encoding in [
                JSON,
                PROTOBUF,
                YAML,
                "*/*",
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
                "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
            ] {
                cases.push(Case::get(path, None).accept(encoding));
            }
            cases.push(Case::get(path, None).header("accept-encoding", "gzip"));
        }
        ensure!(pair.check(&cases).await? >= 120);
        Ok(())
    })
}

#[test]
fn refusals_are_the_api_servers_own() -> Result<()> {
    in_the_world(async |world| {
        let (pair, objects) = (Pair::admin(world).await?, Objects::new(world).await?);
        let maps = objects.core("configmaps");
        let mut cases = vec![
            Case::get(&format!("{maps}?labelSelector=%21%21"), 400),
            Case::get(&format!("{maps}?fieldSelector=spec.x%3Dy"), 400),
            Case::get(&format!("{maps}?limit=1&continue=nonsense"), 400),
            Case::get(&format!("{maps}?resourceVersion=x"), None),
            Case::get(&format!("{maps}?limit=x"), 400),
            Case::get(
                &format!("{maps}?resourceVersion=1&resourceVersionMatch=Exact"),
                None,
            ),
            Case::get(
                &format!("{maps}?watch=1&resourceVersion=1&timeoutSeconds=1"),
                None,
            ),
            Case::get(&objects.core("pods/p/log"), None),
            Case::get(&objects.core("pods/p/log?container=none"), 400),
            Case::get(&objects.core("pods/none/log"), 404),
            Case::get(&objects.core("services/svc/proxy/"), None),
            Case::get(&objects.core("pods/p/proxy/"), None),
            Case::new(Method::PUT, &maps, 405),
            Case::new(Method::PATCH, &maps, 405),
            Case::new(Method::POST, &objects.core("configmaps/a"), 405),
            Case::new(Method::OPTIONS, &maps, None),
        ];
        let gzip = |case: &Case| case.clone().header("accept-encoding", "gzip");
        cases.extend(cases.iter().map(gzip).collect::<Vec<_>>());
        ensure!(pair.check(&cases).await? >= 30);

        let pair = Pair::nobody(world).await?;
        let mut cases = Vec::new();
        for (path, _) in of_objects(&objects) {
            for encoding in [JSON, PROTOBUF, TABLE] {
                cases.push(Case::get(&path, None).accept(encoding));
            }
        }
        let map = config_map("new", &json!({}));
        cases.push(Case::new(Method::POST, &maps, 403).json(&map));
        cases.push(Case::new(Method::DELETE, &maps, 403));
        ensure!(pair.check(&cases).await? >= 70);
        Ok(())
    })
}

#[test]
fn large_lists_compressed_lists_and_pieces_are_the_api_servers_own() -> Result<()> {
    in_the_world(async |world| {
        let (pair, objects) = (Pair::admin(world).await?, Objects::new(world).await?);
        let server = &world.stack.member.kube;
        let maps = objects.core("configmaps");
        for number in 0..120 {
            let map = config_map(
                &format!("m-{number:03}"),
                &json!({ "text": "x".repeat(4_000) }),
            );
            server.create(&maps, &map).await?;
        }
        let mut cases = Vec::new();
        for encoding in [JSON, PROTOBUF, TABLE, METADATA_LIST] {
            for compression in ["gzip", "identity", "gzip, deflate, br", "br"] {
                let case = Case::get(&maps, 200).accept(encoding);
                cases.push(case.header("accept-encoding", compression));
            }
        }
        pair.check(&cases).await?;
        // A piece's end is sealed by its server and good at either way.
        let mut path = format!("{maps}?limit=50");
        let mut pieces = 0;
        loop {
            pair.check(&[Case::get(&path, 200).accept(JSON)]).await?;
            pieces += 1;
            let answer = pair.send(&Case::get(&path, 200).accept(JSON), true).await?;
            let next = answer.json()?["metadata"]["continue"].take();
            let Some(next) = next.as_str() else {
                break;
            };
            path = format!("{maps}?limit=50&continue={next}");
        }
        assert_eq!(pieces, 3);
        Ok(())
    })
}
