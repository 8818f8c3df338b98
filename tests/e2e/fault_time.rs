//! Upstreams that take their time.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use cubegate_tests::client::Answer;
use cubegate_tests::faults::{Scripted, Step, chunk, half, head, list, send, whole};
use cubegate_tests::{Gateway, Options, Site, block_on, until};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::support::{Playground, cube, in_the_playground, kube};

const PAGE: &str = "/api/v1/configmaps?pageSize=2&sortOrder=desc";

/// The gateway's own limit for a bounded call is 75 s.
const LIMIT: Duration = Duration::from_secs(90);

/// More than what takes longer than that.
const LONG: Duration = Duration::from_secs(110);

#[test]
fn a_list_that_comes_slowly_is_a_whole_page() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let mut script = vec![
            Step::Wait(Duration::from_millis(500)),
            head(&["Transfer-Encoding: chunked"]),
        ];
        for piece in body.as_bytes().chunks(body.len().div_ceil(8)) {
            script.extend([Step::Wait(Duration::from_millis(300)), chunk(piece)]);
        }
        script.push(send("0\r\n\r\n"));
        let upstream = Scripted::start(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        for path in [cube(&cluster, PAGE), kube(&cluster, PAGE)] {
            let answer = playground.client()?.get(&path).send().await?.expect(200)?;
            assert_eq!(answer.names()?, ["c", "b"]);
        }
        Ok(())
    })
}

#[test]
fn a_list_that_breaks_off_after_a_pause_is_a_bad_gateway() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let script = vec![
            head(&[&format!("Content-Length: {}", body.len())]),
            send(half(&body)),
            Step::Wait(Duration::from_secs(2)),
        ];
        let upstream = Scripted::start(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        playground
            .client()?
            .get(&cube(&cluster, PAGE))
            .send()
            .await?
            .cube_error(502)?;
        playground
            .client()?
            .get(&kube(&cluster, PAGE))
            .send()
            .await?
            .kube_error(502)?;
        Ok(())
    })
}

#[test]
fn an_upstream_that_falls_silent_is_a_gateway_timeout() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let silent = Scripted::start(vec![Step::Stall]).await?;
        let halfway = Scripted::start(vec![
            head(&[&format!("Content-Length: {}", body.len())]),
            send(half(&body)),
            Step::Stall,
        ])
        .await?;
        let began = Instant::now();
        let client = playground.client()?;
        let mut asked = Vec::new();
        for upstream in [&silent, &halfway] {
            let cluster = playground.cluster(upstream.port()).await?;
            for (path, is_cube) in [(cube(&cluster, PAGE), true), (kube(&cluster, PAGE), false)] {
                let client = client.clone();
                asked.push(async move {
                    let answer = client.get(&path).patience(LIMIT).send().await?;
                    if is_cube {
                        answer.cube_error(504)
                    } else {
                        answer.kube_error(504)
                    }
                });
            }
        }
        futures::future::try_join_all(asked).await?;
        assert!(
            began.elapsed() > Duration::from_secs(60),
            "slow API servers must be waited for"
        );
        Ok(())
    })
}

#[test]
fn a_log_that_takes_longer_than_a_call_may_is_whole() -> Result<()> {
    block_on(async {
        // Its only cluster is the host.
        let playground = Playground::of(Site::new("long-log")?, true, &[]).await?;
        let upstream = Scripted::start(vec![
            head(&["Transfer-Encoding: chunked"]),
            chunk("first\n"),
            Step::Wait(Duration::from_secs(80)),
            chunk("last\n"),
            send("0\r\n\r\n"),
        ])
        .await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let log = "/api/v1/namespaces/a/pods/p/log?container=c";
        let client = playground.client()?;
        let paths = [cube(&cluster, log), kube(&cluster, log), log.to_owned()];
        let all = paths.iter().map(|path| async {
            let answer: Answer = client.get(path).patience(LONG).send().await?.expect(200)?;
            ensure!(answer.text() == "first\nlast\n", "{}", answer.describe());
            Ok(())
        });
        futures::future::try_join_all(all).await?;
        playground.gateway.health().check().await
    })
}

/// Enough records that they do not lie in buffers on the way, whoever reads.
const RECORDS: usize = 12_000;

#[test]
fn an_export_that_is_read_slowly_is_whole() -> Result<()> {
    block_on(async {
        // A gateway of its own: others' records must not make it longer.
        let upstream = Scripted::start(whole("{}")).await?;
        let site = Site::new("export")?;
        site.add_plain_cluster("only", upstream.port()).await?;
        let options = Options {
            plain: true,
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let admin = gateway.admin().await?;
        let name = "n".repeat(900);
        stream::iter(0..RECORDS)
            .map(|_| {
                admin
                    .get(&kube("only", &format!("/api/v1/nodes/{name}")))
                    .send()
            })
            .buffer_unordered(64)
            .try_for_each(|answer| async move { answer.expect(200).map(drop) })
            .await?;
        until("all records are written", LIMIT, || async {
            let page = admin.get("/api/v1/cube/audit?count=only").send().await?;
            let total = page.expect(200)?.total()?;
            Ok((total >= RECORDS as u64).then_some(()))
        })
        .await?;

        let authority = gateway.raw()?.authority().to_owned();
        let socket = TcpSocket::new_v4()?;
        // Less than a segment of loopback would be taken for no window at all.
        socket.set_recv_buffer_size(256 << 10)?;
        let mut connection = socket.connect(authority.parse()?).await?;
        let request = format!(
            "GET /api/v1/cube/audit?format=jsonl HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            gateway.admin_token().await?
        );
        connection.write_all(request.as_bytes()).await?;
        let began = Instant::now();
        let mut answer = Vec::new();
        let mut piece = vec![0; 4096];
        while began.elapsed() < Duration::from_secs(85) {
            let size = connection.read(&mut piece).await?;
            ensure!(size > 0, "it ended after {:?}", began.elapsed());
            answer.extend_from_slice(piece.get(..size).unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let open = gateway
            .health()
            .stats("http.gateway.downstream_rq_active")
            .await?;
        ensure!(
            open.iter().any(|(_, open)| *open > 0),
            "it has ended already: {open:?}"
        );
        tokio::time::timeout(LIMIT, connection.read_to_end(&mut answer)).await??;
        let lines = answer.windows(2).filter(|end| end == b"}\n").count();
        ensure!(answer.starts_with(b"HTTP/1.1 200"), "no 200");
        ensure!(answer.ends_with(b"\r\n0\r\n\r\n"), "it is cut off");
        ensure!(lines >= RECORDS, "{lines} lines");
        gateway.stop().await
    })
}

#[test]
fn large_lists_that_come_as_fast_as_they_can_are_all_pages() -> Result<()> {
    in_the_playground(async |playground| {
        // Now and then more than a buffer limit of it arrives in one piece.
        let names: Vec<String> = (0..60).map(|number| format!("m-{number:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let item = format!("\"{}\"}}", "x".repeat(1 << 20));
        let upstream = Scripted::start(whole(&list(&names).replace("\"b\"}", &item))).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        stream::iter(0..32)
            .map(|_| client.get(&cube(&cluster, PAGE)).patience(LIMIT).send())
            .buffer_unordered(4)
            .try_for_each(|answer| async move {
                assert_eq!(answer.expect(200)?.names()?, ["m-59", "m-58"]);
                Ok(())
            })
            .await
    })
}
