//! HTTP as others speak it: version 1.0, long heads, and what is no HTTP at all.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::raw::RawAnswer;
use cubegate_tests::{Site, block_on};
use serde_json::Value;

use crate::support::{Playground, World, cube, in_the_playground, in_the_world, kube};

/// The answer to this request over HTTP/1.0.
async fn over_1_0(world: &World, path: &str, host: bool) -> Result<RawAnswer> {
    let raw = world.gateway.raw()?;
    let mut request = format!(
        "GET {path} HTTP/1.0\r\nAuthorization: Bearer {}\r\nAccept: application/json\r\n",
        world.gateway.admin_token().await?
    );
    if host {
        write!(request, "Host: {}\r\n", raw.authority())?;
    }
    request.push_str("\r\n");
    // It ends when the connection does.
    raw.exchange(request.as_bytes()).await
}

#[test]
fn http_1_0_is_answered_whole_and_the_connection_closed() -> Result<()> {
    in_the_world(async |world| {
        for host in [true, false] {
            for path in [
                kube("member-1", "/version"),
                kube("member-1", "/api/v1/namespaces"),
                cube("member-1", "/api/v1/namespaces?pageSize=1"),
                "/api/v1/cube/key".to_owned(),
                "/apis".to_owned(),
            ] {
                let answer = over_1_0(world, &path, host).await?;
                ensure!(answer.status == 200, "{path}: {answer:?}");
                let head = answer.head.to_ascii_lowercase();
                ensure!(!head.contains("transfer-encoding"), "{path}: {head}");
                let body = answer.body;
                serde_json::from_str::<Value>(&body).with_context(|| format!("{path}: {body}"))?;
            }
        }
        Ok(())
    })
}

#[test]
fn chunks_over_http_1_0_end_their_connection() -> Result<()> {
    in_the_playground(async |playground| {
        let raw = playground.gateway.raw()?;
        for line in ["", "Connection: keep-alive\r\n"] {
            let request = format!(
                "POST /clusters/a/api HTTP/1.0\r\nHost: a\r\n{line}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /clusters/a/api HTTP/1.0\r\n\r\n"
            );
            let answer = raw.exchange(request.as_bytes()).await?;
            ensure!(answer.status == 400, "{answer:?}");
            // What is behind them is no request.
            ensure!(!answer.body.contains("x-request-id"), "{answer:?}");
        }
        Ok(())
    })
}

#[test]
fn a_head_of_a_hundred_kilobytes_is_read_and_one_of_three_hundred_refused_in_words() -> Result<()> {
    in_the_world(async |world| {
        let raw = world.gateway.raw()?;
        let token = world.gateway.admin_token().await?;
        let bearer = format!("Authorization: Bearer {token}");
        let ask = async |path: &str| raw.get(path, &[bearer.as_bytes()]).await;
        let names = |count: usize, length: usize| -> String {
            let name = |n| format!("{n:0>length$}");
            (0..count).map(name).collect::<Vec<_>>().join(",")
        };
        // As many names as a list may have, as long as names are.
        let pods = format!(
            "/clusters/member-1/kapis/resources.kubesphere.io/v1alpha3/namespaces/default/pods?names={}",
            names(1_000, 63)
        );
        let selector = format!("labelSelector=app%20in%20({})", names(3_000, 24));
        let list = format!("/api/v1/namespaces/default/pods?{selector}");
        for path in [pods, kube("member-1", &list), cube("member-1", &list)] {
            let answer = ask(&path).await?;
            ensure!(answer.status == 200, "{:.80}: {:.200}", path, answer.body);
        }
        let long = format!("/version?a={}", "b".repeat(300 << 10));
        let refused = ask(&kube("member-1", &long)).await?;
        ensure!(refused.status == 431, "{:.200}", refused.body);
        ensure!(
            refused.body.contains("--max-request-head"),
            "{}",
            refused.body
        );
        let refused = ask(&cube("member-1", &long)).await?;
        ensure!(refused.body.contains("\"code\":431"), "{}", refused.body);
        // Further than that Envoy reads nothing.
        let refused = ask(&format!("/{}", "a".repeat(600 << 10))).await?;
        ensure!(refused.status == 431, "{:.200}", refused.body);
        ensure!(
            refused.body.contains("longer than the gateway reads"),
            "{}",
            refused.body
        );
        // Over HTTP/2, too.
        let client = world.gateway.admin().await?;
        for (path, refusal) in [
            (kube("member-1", "/version"), "Status"),
            (cube("member-1", "/version"), "message"),
        ] {
            let long = "a".repeat(150 << 10);
            let request = client.get(&path).header("x-a", &long).header("x-b", &long);
            let answer = request.send().await?.expect(431)?;
            ensure!(answer.text().contains(refusal), "{}", answer.text());
        }
        Ok(())
    })
}

#[test]
fn the_longest_head_is_settable() -> Result<()> {
    block_on(async {
        let site = Site::new("short-heads")?;
        let playground = Playground::of(site, true, &["--max-request-head=16"]).await?;
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        let path = |kib: usize| kube(&cluster, &format!("/api?a={}", "b".repeat(kib << 10)));
        client.get(&path(12)).send().await?.expect(200)?;
        let words = client.get(&path(17)).send().await?.kube_error(431)?;
        ensure!(words.contains("16 KiB"), "{words}");
        playground.gateway.health().check().await
    })
}

#[test]
fn what_is_no_http_is_refused_in_words() -> Result<()> {
    in_the_playground(async |playground| {
        let raw = playground.gateway.raw()?;
        for request in [
            "GET / HTTP/1.1\r\nHost: a\r\nX Y: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "\0\0\0\r\n\r\n",
        ] {
            let refused = raw.exchange(request.as_bytes()).await?;
            ensure!(refused.status == 400, "{request:?}: {refused:?}");
            ensure!(!refused.body.is_empty(), "{request:?}: {refused:?}");
        }
        let underscore: &[u8] = b"X_Remote_User: admin";
        let refused = raw.get("/clusters/a/version", &[underscore]).await?;
        ensure!(refused.status == 400, "{refused:?}");
        ensure!(refused.body.contains("underscore"), "{refused:?}");
        let client = playground.client()?;
        let refused = client.get("/api/v1/cube/key").header("x_a", "b").send();
        refused.await?.cube_error(400)?;
        Ok(())
    })
}
