//! Servers that end a connection as a request is on its way.

use anyhow::{Result, ensure};
use cubegate_tests::hasty::Hasty;
use cubegate_tests::http2_frames::{Fate, Http2Frames};
use cubegate_tests::run::unique;
use serde_json::json;

use crate::support::{cube, in_the_playground, kube};

const MAPS: &str = "/api/v1/namespaces/demo/configmaps";

/// A pooled connection is one of a worker's; so many requests meet one for sure.
const REQUESTS: usize = 40;

#[test]
fn a_reading_on_a_connection_that_ends_is_answered_by_another() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Hasty::start().await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        for number in 0..REQUESTS {
            let path = format!("{MAPS}?number={number}");
            for path in [kube(&cluster, &path), cube(&cluster, &path)] {
                client.get(&path).send().await?.expect(200)?;
            }
        }
        let sent = upstream.times(MAPS)?;
        ensure!(sent > 2 * REQUESTS, "no connection was used twice: {sent}");
        Ok(())
    })
}

#[test]
fn what_may_have_arrived_is_not_sent_again() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Hasty::start().await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        let mut failed = 0;
        for number in 0..REQUESTS {
            let mark = format!("number={number}&");
            let path = kube(&cluster, &format!("{MAPS}?{mark}x"));
            let answer = client.post(&path).json(&json!({})).send().await?;
            if answer.status != 200 {
                answer.kube_error(502)?;
                failed += 1;
            }
            ensure!(upstream.times(&mark)? == 1, "{number} was sent again");
        }
        ensure!(failed > 0, "no connection was used twice");
        // A command is run by a GET, too, when it is an upgrade.
        for number in 0..REQUESTS {
            let mark = format!("exec={number}&");
            let path = kube(
                &cluster,
                &format!("/api/v1/namespaces/demo/pods/p/exec?{mark}command=rm"),
            );
            let _ = client
                .get(&path)
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                .send()
                .await;
            ensure!(
                upstream.times(&mark)? <= 1,
                "command {number} was run again"
            );
        }
        Ok(())
    })
}

#[test]
fn a_stream_that_was_refused_or_left_behind_is_sent_again_whatever_it_is() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Http2Frames::start().await?;
        let name = format!("frames-{}", unique());
        let site = playground.gateway.site();
        let file = upstream.kubeconfig(site.dir(), &name)?;
        site.add_cluster(&name, &file, false).await?;
        let client = playground.client()?;
        playground.gateway.wait_for_cluster(&client, &name).await?;
        let path = kube(&name, MAPS);
        for fate in [Fate::Refused, Fate::LeftBehind] {
            upstream.next(fate)?;
            client
                .post(&path)
                .json(&json!({"kind": "ConfigMap"}))
                .send()
                .await?
                .expect(200)?;
            ensure!(upstream.seen()? == [fate, Fate::Answered], "{fate:?}");
            upstream.next(fate)?;
            client.get(&path).send().await?.expect(200)?;
            ensure!(upstream.seen()? == [fate, Fate::Answered], "{fate:?}");
            // More than is kept for a second try passes, and is not sent again.
            upstream.next(fate)?;
            let answer = client
                .post(&path)
                .body(vec![b' '; 200 << 10])
                .send()
                .await?;
            answer.kube_error(502)?;
            ensure!(upstream.seen()? == [fate], "{fate:?}");
            let answer = client
                .post(&path)
                .body(vec![b' '; 200 << 10])
                .send()
                .await?;
            answer.expect(200)?;
        }
        Ok(())
    })
}

#[test]
fn a_server_that_is_not_there_is_a_bad_gateway() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Hasty::start().await?;
        let cluster = playground.cluster(upstream.port()).await?;
        drop(upstream);
        let client = playground.client()?;
        let answer = client.get(&kube(&cluster, "/version")).send().await?;
        answer.kube_error(502)?;
        let answer = client.post(&cube(&cluster, MAPS)).send().await?;
        // Or it is known by now.
        let status = if answer.status == 503 { 503 } else { 502 };
        answer.cube_error(status).map(drop)
    })
}
