//! Members that are hostile: pages that would act as the gateway's own, and servers
//! that are no API server.

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::client::Answer;
use cubegate_tests::faults::{Scripted, list, send, whole};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Playground, cube, in_the_playground, in_the_world, kube};

/// A page of an application in a cluster.
const APPLICATION: &str = "/api/v1/namespaces/tenant/services/evil/proxy/";

/// What such a page says to have the whole origin.
const HOSTILE: &str = "Service-Worker-Allowed: /\r\nClear-Site-Data: \"*\"\r\n\
    Strict-Transport-Security: max-age=31536000\r\nSet-Cookie: Authorization=Bearer+x\r\n\
    Alt-Svc: h2=\"evil.example:443\"\r\nNEL: {\"report_to\":\"x\"}\r\nReport-To: {\"group\":\"x\"}\r\n\
    Content-Security-Policy: sandbox allow-scripts allow-same-origin\r\n\
    X-Content-Type-Options: sniff\r\n";

/// Of those headers, what nobody gets.
const GONE: [&str; 7] = [
    "service-worker-allowed",
    "clear-site-data",
    "strict-transport-security",
    "set-cookie",
    "alt-svc",
    "nel",
    "report-to",
];

fn answer(status: &str, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{HOSTILE}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Says this under hostile headers, whatever is asked.
async fn hostile(
    playground: &Playground,
    status: &str,
    content_type: &str,
    body: &str,
) -> Result<(Scripted, String)> {
    let upstream = Scripted::start(vec![send(answer(status, content_type, body))]).await?;
    let cluster = playground.cluster(upstream.port()).await?;
    Ok((upstream, cluster))
}

/// Asks as a browser does that navigates there with its visitor's cookie.
async fn browse(playground: &Playground, path: &str) -> Result<Answer> {
    let token = playground.minter().token("admin")?;
    let request = playground.gateway.client().get(path);
    request
        .header("cookie", format!("Authorization=Bearer+{token}"))
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-site", "cross-site")
        .send()
        .await
}

/// Every policy counts by itself, so one of them is enough, and no other may be ours.
fn ensure_confined(what: &str, answer: &Answer) -> Result<()> {
    let policies = answer.headers.get_all("content-security-policy");
    let policies: Vec<String> = policies
        .iter()
        .flat_map(|value| {
            String::from_utf8_lossy(value.as_bytes())
                .split(',')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    let ours = policies.iter().find(|policy| {
        let words: Vec<&str> = policy.split_whitespace().collect();
        words.first() == Some(&"sandbox") && !words.contains(&"allow-same-origin")
    });
    ensure!(ours.is_some(), "{what}: {}", answer.describe());
    ensure!(
        answer.header("x-content-type-options").as_deref() == Some("nosniff"),
        "{what}: {}",
        answer.describe()
    );
    for gone in GONE {
        ensure!(
            !answer.headers.contains_key(gone),
            "{what}: {gone} of {}",
            answer.describe()
        );
    }
    Ok(())
}

#[test]
fn a_visitors_cookie_gets_a_workloads_page_without_an_origin() -> Result<()> {
    in_the_playground(async |playground| {
        for (status, content_type, body) in [
            (
                "200 OK",
                "text/html",
                "<script>fetch('/api/v1/cube/key/create')</script>",
            ),
            (
                "500 Internal Server Error",
                "text/html",
                "<script>1</script>",
            ),
            ("302 Found", "text/html", ""),
            ("200 OK", "image/svg+xml", "<svg onload='1'/>"),
        ] {
            let (_upstream, cluster) = hostile(playground, status, content_type, body).await?;
            let answer = browse(playground, &cube(&cluster, APPLICATION)).await?;
            ensure!(status.starts_with(&answer.status.to_string()), "{status}");
            ensure!(answer.text() == body, "{}", answer.describe());
            ensure_confined(status, &answer)?;
        }
        Ok(())
    })
}

#[test]
fn pages_of_lists_and_refusals_are_no_way_around_it() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["<script>", "b"]);
        let (_upstream, cluster) = hostile(playground, "200 OK", "application/json", &body).await?;
        for (what, path) in [
            ("a page", "/api/v1/configmaps?pageSize=1"),
            ("the list itself", "/api/v1/configmaps?isFilter=false"),
            ("what can be read in two ways", "/apis/%2e%2e/x"),
        ] {
            ensure_confined(what, &browse(playground, &cube(&cluster, path)).await?)?;
        }
        // The API server answers nothing.
        let nobody = Scripted::start(vec![]).await?;
        let cluster = playground.cluster(nobody.port()).await?;
        let answer = browse(playground, &cube(&cluster, "/api/v1/nodes/a")).await?;
        ensure_confined("no answer", &answer.expect(502)?)
    })
}

#[test]
fn a_tool_keeps_the_members_policy_and_gets_nothing_for_the_origin() -> Result<()> {
    in_the_playground(async |playground| {
        let (_upstream, cluster) = hostile(playground, "200 OK", "text/html", "x").await?;
        for path in [cube(&cluster, APPLICATION), kube(&cluster, APPLICATION)] {
            let answer = playground.client()?.get(&path).send().await?.expect(200)?;
            let policy = answer.header("content-security-policy");
            ensure!(
                policy.as_deref() == Some("sandbox allow-scripts allow-same-origin"),
                "{policy:?}"
            );
            for gone in GONE {
                ensure!(!answer.headers.contains_key(gone), "{gone}");
            }
        }
        Ok(())
    })
}

#[test]
fn a_switch_of_protocols_sets_no_cookie_either() -> Result<()> {
    in_the_playground(async |playground| {
        let switched = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{HOSTILE}\r\nhello"
        );
        let upstream = Scripted::start(vec![send(switched)]).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let authority = playground.gateway.raw()?.authority().to_owned();
        let token = playground.minter().token("admin")?;
        let mut stream = TcpStream::connect(&authority).await?;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {authority}\r\nCookie: Authorization=Bearer+{token}\r\nOrigin: http://{authority}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            cube(&cluster, APPLICATION)
        );
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        tokio::time::timeout(
            cubegate_tests::client::PATIENCE,
            stream.read_to_end(&mut bytes),
        )
        .await
        .context("it hangs")??;
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let (head, body) = text.split_once("\r\n\r\n").context("no head")?;
        ensure!(head.starts_with("http/1.1 101"), "{text}");
        ensure!(body == "hello", "{text}");
        ensure!(
            head.contains("content-security-policy: sandbox allow-scripts allow-forms"),
            "{text}"
        );
        for gone in GONE {
            ensure!(!head.contains(&format!("\r\n{gone}:")), "{gone}: {text}");
        }
        Ok(())
    })
}

#[test]
fn a_server_that_is_no_api_server_is_asked_nothing_below_clusters() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Scripted::start(whole("secrets of an admin page")).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        for path in [
            "/",
            "/config_dump",
            "/clusters",
            "/stats/prometheus",
            "/latest/meta-data/iam",
            "/debug/pprof/heap",
            "/logs/",
            "/apis%2e/x",
            "/v1/secret",
        ] {
            let answer = client.get(&kube(&cluster, path)).send().await?;
            answer.kube_error(404)?;
            let answer = client.post(&kube(&cluster, path)).send().await?;
            answer.kube_error(404)?;
        }
        for path in ["/quitquitquit", "/drain_listeners", "/logging?level=trace"] {
            let answer = client.post(&kube(&cluster, path)).send().await?;
            answer.kube_error(404)?;
            let answer = client.post(&cube(&cluster, path)).send().await?;
            answer.cube_error(404)?;
        }
        ensure!(upstream.heads()?.is_empty(), "{:?}", upstream.heads()?);
        Ok(())
    })
}

#[test]
fn on_kubecubes_paths_a_member_is_asked_for_an_api_servers_paths_only() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        for path in ["/logs/", "/", "/config_dump", "/debug/pprof/"] {
            // The API server would answer with a `Status`, or with what it has.
            client
                .get(&cube("pivot-cluster", path))
                .send()
                .await?
                .cube_error(404)?;
        }
        for path in ["/version", "/livez/ping", "/openapi/v2", "/api"] {
            for path in [cube("pivot-cluster", path), kube("pivot-cluster", path)] {
                client.get(&path).send().await?.expect(200)?;
            }
        }
        Ok(())
    })
}
