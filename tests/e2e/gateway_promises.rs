//! What `docs/clients.md` promises and no other test holds.

use anyhow::{Result, ensure};
use cubegate_tests::faults::{Scripted, whole};
use cubegate_tests::fixture::{Fixture, Response, Seen};
use http_body_util::Full;
use hyper::body::Bytes;

use crate::support::{cube, in_the_playground, kube};

const MAP: &str = "/api/v1/namespaces/a/configmaps/m";

/// As an API server answers a conditional request: by its `ETag`, if that is asked for.
fn conditional(seen: &Seen) -> Result<(Response, Bytes)> {
    let is_known = seen.headers("if-none-match").any(|value| value == "\"v1\"");
    let body = Bytes::from_static(if is_known {
        b""
    } else {
        b"{\"kind\":\"ConfigMap\"}"
    });
    let response = http::Response::builder()
        .status(if is_known { 304 } else { 200 })
        .header("content-type", "application/json")
        .header("etag", "\"v1\"")
        .body(Full::new(body.clone()))?;
    Ok((response, body))
}

#[test]
fn what_is_no_page_is_asked_and_answered_conditionally_and_in_the_clients_encoding() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Fixture::answering(conditional).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        // By KubeCube's form of path every JSON may be a list, until it is read.
        for (path, encoding) in [
            (cube(&cluster, MAP), "identity"),
            (kube(&cluster, MAP), "gzip"),
        ] {
            upstream.take_seen()?;
            let asked = client.get(&path).header("accept-encoding", "gzip");
            let answer = asked.send().await?.expect(200)?;
            ensure!(answer.header("etag").as_deref() == Some("\"v1\""));
            let asked = client.get(&path).header("if-none-match", "\"v1\"");
            asked.send().await?.expect(304)?;
            let seen = upstream.take_seen()?;
            let encodings = seen.iter().flat_map(|seen| seen.headers("accept-encoding"));
            ensure!(encodings.take(1).eq([encoding]), "{seen:?}");
        }
        Ok(())
    })
}

#[test]
fn a_body_of_any_length_reaches_its_server_whole() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Fixture::answering(|seen| {
            let body = Bytes::from(seen.body.len().to_string());
            Ok((http::Response::new(Full::new(body.clone())), body))
        })
        .await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        // API servers take 3 MiB; an application behind one may take more.
        let text = "a".repeat(12 << 20);
        let document = serde_json::Value::String(text);
        for path in [cube(&cluster, MAP), kube(&cluster, MAP)] {
            let answer = client
                .post(&path)
                .json(&document)
                .send()
                .await?
                .expect(200)?;
            ensure!(answer.text() == ((12 << 20) + 2).to_string());
        }
        Ok(())
    })
}

#[test]
fn a_request_has_at_most_256_headers() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Scripted::start(whole("{}")).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let raw = playground.gateway.raw()?;
        let bearer = format!(
            "Authorization: Bearer {}",
            playground.minter().token("admin")?
        );
        for (count, status) in [(240, 200), (300, 431)] {
            let more: Vec<String> = (0..count).map(|number| format!("X-H{number}: a")).collect();
            let mut headers: Vec<&[u8]> = more.iter().map(String::as_bytes).collect();
            headers.push(bearer.as_bytes());
            let answer = raw.get(&kube(&cluster, MAP), &headers).await?;
            ensure!(answer.status == status, "{count}: {answer:?}");
        }
        Ok(())
    })
}
