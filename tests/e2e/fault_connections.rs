//! Clients that connect and then take their time.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use cubegate_tests::client::PATIENCE;
use cubegate_tests::faults::{Scripted, Step, chunk, head, send};
use cubegate_tests::raw::RawServer;
use cubegate_tests::{Client, Gateway, Site, block_on, until};
use futures::future::{join_all, try_join_all};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::support::{Playground, kube};

/// How much longer than its limit something may take here, on a machine that is busy.
const SLACK: Duration = Duration::from_secs(45);

/// Silent connections, besides those of all other tests of the process.
const SILENT: usize = 900;

/// Lets this process open the files that the test needs.
fn allow_files() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// Waits until the other side closes.
async fn closed(mut stream: TcpStream) -> Duration {
    let began = Instant::now();
    let mut bytes = [0; 64];
    while matches!(stream.read(&mut bytes).await, Ok(size) if size > 0) {}
    began.elapsed()
}

/// Asks again and again, as a client that knows nothing of all this.
async fn is_served(client: &Client, until: Duration) -> Result<usize> {
    let began = Instant::now();
    let mut answers = 0;
    while began.elapsed() < until {
        client.get("/healthz").send().await?.expect(200)?;
        answers += 1;
        sleep(Duration::from_millis(200)).await;
    }
    Ok(answers)
}

/// Sends a login byte by byte and gives the answer and when it came.
async fn slow_login(server: &RawServer) -> Result<(String, Duration)> {
    let (mut answers, mut bytes) = tokio::io::split(server.open().await?);
    let began = Instant::now();
    let head = format!(
        "POST /api/v1/cube/login HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n",
        server.authority()
    );
    bytes.write_all(head.as_bytes()).await?;
    let drip = async {
        loop {
            // One that was cut off is no failure: the answer says what happened.
            if bytes.write_all(b"{").await.is_err() {
                std::future::pending::<()>().await;
            }
            sleep(Duration::from_secs(4)).await;
        }
    };
    let read = async {
        let mut answer = Vec::new();
        let mut piece = [0; 1024];
        while let Ok(size @ 1..) = answers.read(&mut piece).await {
            answer.extend_from_slice(piece.get(..size).unwrap_or_default());
        }
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::select! {
        answer = read => Ok((answer, began.elapsed())),
        () = drip => Err(anyhow!("it dripped for ever")),
    }
}

fn envoy_log(gateway: &Gateway) -> Result<String> {
    let path = gateway.site().data_dir().join("envoy/envoy.log");
    std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
}

#[test]
fn silent_connections_and_slow_bodies_end_while_others_are_served() -> Result<()> {
    block_on(async {
        allow_files()?;
        let flags = ["--request-timeout", "15"];
        let playground = Playground::of(Site::new("slow-clients")?, false, &flags).await?;
        let gateway = &playground.gateway;
        let server = gateway.raw()?;
        let silent = try_join_all((0..SILENT).map(|_| TcpStream::connect(server.authority())))
            .await?
            .into_iter()
            .map(closed);
        let all_end = timeout(Duration::from_secs(10) + SLACK, join_all(silent));
        let slow = timeout(
            Duration::from_secs(15) + SLACK,
            try_join_all((0..20).map(|_| slow_login(&server))),
        );
        let (ended, answered, served) = tokio::join!(
            all_end,
            slow,
            is_served(gateway.client(), Duration::from_secs(20))
        );
        ended.context("silent connections stay open")?;
        for (answer, after) in answered.context("slow bodies go on")?? {
            ensure!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
            ensure!(
                answer.ends_with(r#"{"code":408,"message":"The request did not arrive in time."}"#),
                "{answer}"
            );
            ensure!(
                after >= Duration::from_secs(12),
                "too early, after {after:?}"
            );
        }
        ensure!(served? > 10, "others were hardly served");
        let log = envoy_log(gateway)?;
        ensure!(!log.contains("There is no configured limit"), "{log}");
        gateway.health().check().await
    })
}

#[test]
fn connections_beyond_the_limit_are_closed_and_those_before_it_are_served() -> Result<()> {
    block_on(async {
        let flags = ["--max-connections", "40"];
        let playground = Playground::of(Site::new("many-clients")?, true, &flags).await?;
        let gateway = &playground.gateway;
        let server = gateway.raw()?;
        let mut first = server.open().await?;
        // Answered, so that it is certainly taken: each worker has a queue of its own, and on a
        // busy machine another one may take all the others before.
        first
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            .await?;
        let mut piece = [0; 4096];
        let size = timeout(PATIENCE, first.read(&mut piece)).await??;
        let answer = String::from_utf8_lossy(piece.get(..size).unwrap_or_default());
        ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let others = try_join_all((0..80).map(|_| TcpStream::connect(server.authority()))).await?;
        let closed = join_all(
            others
                .into_iter()
                .map(|stream| timeout(Duration::from_secs(5), closed(stream))),
        )
        .await;
        // Those that wait for us are still open: they were dropped with the timeout.
        let refused = closed.iter().filter(|outcome| outcome.is_ok()).count();
        ensure!(refused >= 40, "{refused} of 80 were closed");
        first
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await?;
        let mut answer = String::new();
        timeout(PATIENCE, first.read_to_string(&mut answer)).await??;
        // The end of the first answer's body may stand before it.
        ensure!(answer.contains("HTTP/1.1 200 "), "{answer}");
        let counted = gateway.health().stats("cx_overflow").await?;
        ensure!(counted.iter().any(|(_, value)| *value > 0), "{counted:?}");
        until("there is room again", PATIENCE + SLACK, || async {
            let answer = gateway.client().get("/healthz").send().await;
            Ok(answer.ok().filter(|answer| answer.status == 200))
        })
        .await?;
        gateway.health().check().await
    })
}

#[test]
fn a_watch_outlives_the_lifetime_of_its_connection() -> Result<()> {
    const EVENTS: u64 = 12;
    block_on(async {
        let flags = ["--connection-lifetime", "10"];
        let playground = Playground::of(Site::new("old-connections")?, false, &flags).await?;
        let gateway = &playground.gateway;
        let mut script = vec![head(&["Transfer-Encoding: chunked"])];
        for event in 0..EVENTS {
            script.push(chunk(format!("{{\"event\":{event}}}\n")));
            script.push(Step::Wait(Duration::from_secs(2)));
        }
        script.push(send("0\r\n\r\n"));
        let upstream = Scripted::start(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let path = kube(&cluster, "/api/v1/pods?watch=true");
        let watch = async |client: Client| {
            let mut stream = client.get(&path).open().await?;
            for event in 0..EVENTS {
                let line = stream.line(SLACK).await?;
                ensure!(line == Some(format!("{{\"event\":{event}}}")), "{line:?}");
            }
            ensure!(stream.line(SLACK).await?.is_none());
            Ok(())
        };
        let token = playground.minter().token("admin")?;
        let ca = gateway.ca().context("no CA")?;
        let http1 = Client::tls_http1(&gateway.endpoints().gateway, ca)?.with_bearer(&token)?;
        // And a connection that only carries short requests is told to end.
        let idle = async {
            let mut stream = gateway.raw()?.open().await?;
            let began = Instant::now();
            let mut piece = [0; 4096];
            loop {
                stream
                    .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                    .await?;
                let size = timeout(PATIENCE, stream.read(&mut piece)).await??;
                let answer = String::from_utf8_lossy(piece.get(..size).unwrap_or_default());
                ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
                if answer.to_ascii_lowercase().contains("connection: close") {
                    return Ok(began.elapsed());
                }
                ensure!(began.elapsed() < SLACK, "it lives for ever");
                sleep(Duration::from_millis(500)).await;
            }
        };
        let (over_http2, over_http1, ended) =
            tokio::join!(watch(playground.client()?), watch(http1), idle);
        over_http2?;
        over_http1?;
        ensure!(ended? >= Duration::from_secs(8));
        gateway.health().check().await
    })
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_is_let_go() -> Result<()> {
    block_on(async {
        let flags = ["--send-timeout", "15"];
        let playground = Playground::of(Site::new("readers")?, true, &flags).await?;
        let gateway = &playground.gateway;
        let script = vec![head(&[]), Step::Send(vec![b'x'; 32 << 20]), Step::Stall];
        let upstream = Scripted::start(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let active = async || -> Result<u64> {
            let stats = gateway
                .health()
                .stats("^http.gateway.downstream_rq_active$")
                .await?;
            stats
                .first()
                .map(|(_, value)| *value)
                .context("no such gauge")
        };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
            kube(&cluster, "/api/v1/pods?watch=true"),
            playground.minter().token("admin")?
        );
        let mut readers = Vec::new();
        for _ in 0..4 {
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(64 << 10)?;
            let mut stream = socket.connect(gateway.raw()?.authority().parse()?).await?;
            stream.write_all(request.as_bytes()).await?;
            readers.push(stream);
        }
        until("they are being answered", PATIENCE, || async {
            Ok((active().await? >= 4).then_some(()))
        })
        .await?;
        until(
            "they are let go",
            Duration::from_secs(15) + SLACK,
            || async { Ok((active().await? == 0).then_some(())) },
        )
        .await?;
        drop(readers);
        gateway.health().check().await
    })
}
