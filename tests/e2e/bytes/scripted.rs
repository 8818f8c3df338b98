//! What the API server of the tests is too old for, played: aggregated discovery, a watch that
//! begins with a list, CBOR, OpenAPI v3, redirects, and an overloaded server's words.

use cubegate_tests::faults::{Script, Scripted, Step, chunk, send};

use super::*;
use crate::support::{Playground, in_the_playground};

const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The first of a CBOR document that says what it is (RFC 8949, 3.4.6), and a map.
const CBOR: &[u8] = b"\xd9\xd9\xf7\xa2\x44kind\x4dConfigMapList\x45items\x80";

const CBOR_ASKED: &[(&str, &str)] = &[("accept", "application/cbor")];

/// A request, and the answer to it.
struct Played {
    path: &'static str,
    /// The header lines of the request beside the credential.
    asks: &'static [(&'static str, &'static str)],
    status: u16,
    /// The header lines of the answer beside those that frame it.
    says: Vec<&'static str>,
    body: Vec<u8>,
    is_chunked: bool,
}

// === impl Played ===

impl Played {
    fn new(path: &'static str, kind: &'static str, body: &[u8]) -> Self {
        Self {
            path,
            asks: &[("accept", "application/json")],
            status: 200,
            says: vec![kind],
            body: body.to_vec(),
            is_chunked: false,
        }
    }

    fn says(mut self, lines: &[&'static str]) -> Self {
        self.says.extend(lines);
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn asks(mut self, lines: &'static [(&'static str, &'static str)]) -> Self {
        self.asks = lines;
        self
    }

    fn chunked(mut self) -> Self {
        self.is_chunked = true;
        self
    }

    fn script(&self) -> Script {
        let framing = match (self.is_chunked, self.status) {
            (true, _) => "Transfer-Encoding: chunked\r\n".to_owned(),
            (false, 304) => String::new(),
            (false, _) => format!("Content-Length: {}\r\n", self.body.len()),
        };
        let head = format!(
            "HTTP/1.1 {} Played\r\nConnection: close\r\n{framing}{}\r\n\r\n",
            self.status,
            self.says.join("\r\n")
        );
        if !self.is_chunked {
            return vec![send(head), Step::Send(self.body.clone())];
        }
        let pieces = self.body.chunks(40).map(chunk);
        let pieces = pieces.chain([send("0\r\n\r\n")]);
        std::iter::once(send(head)).chain(pieces).collect()
    }
}

fn all() -> Vec<Played> {
    let json = "Content-Type: application/json";
    let cbor = "Content-Type: application/cbor";
    let discovery =
        "Content-Type: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let etag: &[&str] = &["ETag: \"B4F1\"", "Vary: Accept", "Cache-Control: public"];
    let groups = br#"{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[{"metadata":{"name":"apps","creationTimestamp":null},"versions":[{"version":"v1","resources":[{"resource":"deployments","responseKind":{"group":"apps","version":"v1","kind":"Deployment"},"scope":"Namespaced","singularResource":"deployment","verbs":["get","list","watch"],"shortNames":["deploy"]}],"freshness":"Current"}]}]}"#;
    let paths =
        br#"{"paths":{"apis/apps/v1":{"serverRelativeURL":"/openapi/v3/apis/apps/v1?hash=9C2A"}}}"#;
    let begins = br#"{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","resourceVersion":"5"}}}
{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}}}}
"#;
    let status = |words: &str, reason: &str, code: u16| {
        format!(r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{words}","reason":"{reason}","code":{code}}}"#).into_bytes()
    };
    let maps = "/api/v1/namespaces/a/configmaps";
    vec![
        Played::new("/apis", discovery, groups).asks(&[("accept", DISCOVERY)]).says(etag),
        Played::new("/api", discovery, groups).asks(&[("accept", DISCOVERY)]).says(etag),
        // As client-go asks: the newest form first, and the old one where it is not known.
        Played::new("/apis?timeout=32s", discovery, groups)
            .asks(&[(
                "accept",
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
            )])
            .chunked(),
        Played::new("/apis", discovery, b"")
            .asks(&[("accept", DISCOVERY), ("if-none-match", "\"B4F1\"")])
            .status(304)
            .says(etag),
        Played::new("/openapi/v3", json, paths).says(etag),
        Played::new("/openapi/v3/apis/apps/v1?hash=9C2A", json, br#"{"openapi":"3.0.0","paths":{}}"#)
            .says(&["ETag: \"9C2A\"", "Cache-Control: public, immutable", "Expires: Wed, 01 Dec 2027 00:00:00 GMT"]),
        Played::new(
            "/openapi/v3/apis/apps/v1?hash=9C2A",
            "Content-Type: application/com.github.proto-openapi.spec.v3@v1.0+protobuf",
            b"\x0a\x053.0.0\x12\x00",
        )
        .asks(&[("accept", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf")]),
        Played::new(
            "/api/v1/namespaces/a/configmaps?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
            "Content-Type: application/json;stream=watch",
            begins,
        )
        .chunked(),
        Played::new(maps, cbor, CBOR).asks(CBOR_ASKED),
        Played::new("/api/v1/namespaces/a/configmaps/a", cbor, CBOR).asks(CBOR_ASKED),
        Played::new(
            "/api/v1/namespaces/a/configmaps?watch=true",
            "Content-Type: application/cbor-seq",
            CBOR,
        )
        .asks(&[("accept", "application/cbor-seq")])
        .chunked(),
        Played::new(maps, json, &status("too many requests, please try again later", "TooManyRequests", 429))
            .status(429)
            .says(&[
                "Retry-After: 1",
                "X-Kubernetes-PF-FlowSchema-UID: 29c8c1d0-0a5e-4d35-8bdc-9f8e1c3e8f01",
                "X-Kubernetes-PF-PriorityLevel-UID: 6f0f3b8e-5c0e-4a3b-9d4d-0d4ef6a0a5d2",
            ]),
        Played::new(maps, json, &status("the resourceVersion is too old", "Expired", 410)).status(410),
        Played::new(maps, json, &status("of a version that is not here yet", "Timeout", 504))
            .status(504)
            .says(&["Retry-After: 1"]),
        Played::new("/api/v1/namespaces/a/configmaps/a", json, br#"{"kind":"ConfigMap"}"#).says(&[
            "Warning: 299 - \"v1 ConfigMap is deprecated in v1.99+\"",
            "Warning: 299 - \"and \\\"quoted\\\", with a comma\"",
        ]),
    ]
}

/// One that plays this, and both ways to it.
async fn both(playground: &Playground, script: Script) -> Result<(Scripted, Pair, String)> {
    let server = Scripted::start(script).await?;
    let cluster = playground.cluster(server.port()).await?;
    let pair = Pair {
        direct: Client::plain(&format!("http://127.0.0.1:{}", server.port()))?,
        through: playground.client()?,
        identity: Vec::new(),
    };
    Ok((server, pair, cluster))
}

/// The lines of a request that say what is asked for.
fn asked(head: &str) -> Vec<String> {
    let names = ["accept:", "if-none-match:"];
    head.lines()
        .enumerate()
        .filter(|(number, line)| {
            *number == 0
                || names
                    .iter()
                    .any(|name| line.to_ascii_lowercase().starts_with(name))
        })
        .map(|(_, line)| line.to_ascii_lowercase())
        .collect()
}

#[test]
fn what_newer_api_servers_say_is_passed_on_as_it_is() -> Result<()> {
    in_the_playground(async |playground| {
        for played in all() {
            let (server, pair, cluster) = both(playground, played.script()).await?;
            let mut heads = Vec::new();
            let mut answers = Vec::new();
            for (client, path) in [
                (&pair.direct, played.path.to_owned()),
                (&pair.through, kube(&cluster, played.path)),
            ] {
                let before = server.heads()?.len();
                let mut request = client.get(&path);
                for (name, value) in played.asks {
                    request = request.header(name, value);
                }
                let mut answer = request.send().await?;
                // Of one connection, and no further (RFC 9110, 7.6.1).
                answer.headers.remove("connection");
                answers.push(answer);
                heads.extend(server.heads()?.into_iter().skip(before).take(1));
            }
            let [direct, through] = answers.as_slice() else {
                anyhow::bail!("two answers");
            };
            let case = format!("{} {:?}", played.path, played.asks);
            ensure!(
                direct.status == played.status,
                "{case}: {}",
                direct.describe()
            );
            ensure!(direct.body == played.body, "{case}: {}", direct.describe());
            let difference = headers::difference(direct, through);
            ensure!(difference.is_none(), "{case}: {difference:?}");
            let [own, ours] = heads.as_slice() else {
                anyhow::bail!("{case}: {} requests came", heads.len());
            };
            assert_eq!(asked(own), asked(ours), "{case}");
        }
        Ok(())
    })
}

#[test]
fn a_watch_that_begins_with_a_list_tells_its_end_at_once() -> Result<()> {
    in_the_playground(async |playground| {
        let end = r#"{"type":"BOOKMARK","object":{"kind":"ConfigMap","metadata":{"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}}}}"#;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        let script = vec![send(head), chunk(format!("{end}\n")), Step::Stall];
        let (_server, pair, cluster) = both(playground, script).await?;
        let path = kube(
            &cluster,
            "/api/v1/configmaps?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
        );
        let mut stream = pair.through.get(&path).open().await?;
        let line = stream.line(Duration::from_secs(10)).await?;
        assert_eq!(line.as_deref(), Some(end));
        Ok(())
    })
}

#[test]
fn a_redirect_of_an_api_server_leads_to_the_same_cluster() -> Result<()> {
    in_the_playground(async |playground| {
        let head = "HTTP/1.1 301 Moved Permanently\r\nLocation: /openapi/v3/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let (_server, pair, cluster) = both(playground, vec![send(head)]).await?;
        let direct = pair.direct.get("/openapi/v3").send().await?.expect(301)?;
        assert_eq!(direct.header("location").as_deref(), Some("/openapi/v3/"));
        let path = kube(&cluster, "/openapi/v3");
        let through = pair.through.get(&path).send().await?.expect(301)?;
        assert_eq!(through.header("location"), Some(format!("{path}/")));
        Ok(())
    })
}
