//! Clients that are slow, or leave at the worst moment.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use cubegate_tests::block_on;
use futures::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{CLUSTER, Field};

/// How many clients do the same at a time.
const CLIENTS: usize = 100;

/// Where a client leaves.
#[derive(Clone, Copy)]
enum Leaves {
    /// After this many bytes of its request.
    After(usize),
    /// After its request, without waiting for an answer.
    Asked,
    /// After the first bytes of the answer.
    Answered,
}

/// One client that leaves, by a reset or by closing in order.
async fn leave(field: &Field, request: &[u8], leaves: Leaves, reset: bool) -> Result<()> {
    let mut stream = TcpStream::connect(&field.arms.authority).await?;
    match leaves {
        Leaves::After(bytes) => {
            stream
                .write_all(request.split_at(bytes.min(request.len())).0)
                .await?;
        }
        Leaves::Asked => stream.write_all(request).await?,
        Leaves::Answered => {
            stream.write_all(request).await?;
            let mut first = [0; 16];
            let _ = stream.read(&mut first).await?;
        }
    }
    if reset {
        stream.set_zero_linger()?;
    }
    Ok(())
}

#[test]
fn clients_that_leave_at_any_moment_harm_nobody() -> Result<()> {
    block_on(async {
        let field = Field::start("left").await?;
        let memory = field.gateway.health().resident_bytes()?;
        let target = format!("/api/v1/cube/proxy/clusters/{CLUSTER}/api/v1/pods");
        let list = field.arms.request("GET", &target, &[]);
        let body = [
            field
                .arms
                .request("POST", &target, &[b"Content-Length: 100000"]),
            vec![b'x'; 50_000],
        ]
        .concat();
        let watch = field
            .arms
            .request("GET", &format!("{target}?watch=true"), &[]);
        let login = field
            .arms
            .anonymous("POST", "/api/v1/cube/login", &[b"Content-Length: 60"]);
        for (name, request, leaves) in [
            ("in the head", &list, Leaves::After(40)),
            ("before the last byte", &list, Leaves::After(list.len() - 1)),
            ("after asking", &list, Leaves::Asked),
            ("after the first bytes", &list, Leaves::Answered),
            ("in the body", &body, Leaves::Asked),
            ("after asking for a watch", &watch, Leaves::Asked),
            ("before a login's body", &login, Leaves::Asked),
        ] {
            for reset in [false, true] {
                let clients = (0..CLIENTS).map(|_| leave(&field, request, leaves, reset));
                try_join_all(clients)
                    .await
                    .map_err(|error| error.context(name))?;
            }
            field.seen().map_err(|error| error.context(name))?;
        }
        let honest = field.raw()?.exchange(&list).await?;
        ensure!(
            honest.status == 200,
            "then an honest request is answered {}",
            honest.status
        );
        field.unharmed(memory).await
    })
}

#[test]
fn a_head_that_comes_byte_by_byte_is_cut_and_others_are_served() -> Result<()> {
    block_on(async {
        let field = Field::start("slow").await?;
        let memory = field.gateway.health().resident_bytes()?;
        let request = field.arms.get("/api/v1/pods", &[]);
        let began = Instant::now();
        let slow = async {
            let clients = (0..CLIENTS).map(|_| async {
                let mut stream = TcpStream::connect(&field.arms.authority).await?;
                for byte in &request {
                    if stream.write_all(&[*byte]).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(400)).await;
                    let mut answer = [0; 512];
                    if !matches!(stream.try_read(&mut answer), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
                    {
                        break;
                    }
                }
                anyhow::Ok(())
            });
            try_join_all(clients).await
        };
        let served = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let answer = field.raw()?.exchange(&request).await?;
                ensure!(
                    answer.status == 200,
                    "an honest request is answered {}",
                    answer.status
                );
            }
            Ok(())
        };
        let (slow, served) = tokio::join!(slow, served);
        slow?;
        served?;
        // The head alone would have taken minutes; ten seconds are what one may take.
        let took = began.elapsed();
        ensure!(took < Duration::from_secs(30), "they were let for {took:?}");
        field.seen()?;
        field.unharmed(memory).await
    })
}

#[test]
fn requests_behind_each_other_are_each_judged() -> Result<()> {
    block_on(async {
        let field = Field::start("pipelined").await?;
        let memory = field.gateway.health().resident_bytes()?;
        let good = format!(
            "GET /clusters/{CLUSTER}/api/v1/pods HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            field.arms.token
        );
        // What was allowed to one says nothing of the next on the same connection.
        let bad = format!("GET /clusters/{CLUSTER}/api/v1/secrets HTTP/1.1\r\nHost: x\r\n\r\n");
        let last = field.arms.get("/api/v1/nodes", &[]);
        let mut requests = Vec::new();
        for _ in 0..100 {
            requests.extend_from_slice(good.as_bytes());
            requests.extend_from_slice(bad.as_bytes());
        }
        requests.extend_from_slice(&last);
        field.raw()?.exchange(&requests).await?;
        let seen = field.seen()?;
        let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
        // Envoy may close behind the first refusal; what it took before is answered.
        assert!(!paths.is_empty(), "nothing was answered");
        assert!(!paths.contains(&"/api/v1/secrets"), "{paths:?}");
        field.unharmed(memory).await
    })
}
