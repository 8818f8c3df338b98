//! Clients that ask for much and take nothing of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::{Gateway, Options, Site, block_on, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{cube, kube};

/// All pages that may be on their way, in MiB; one user may have half of it.
const UNSENT: u64 = 128;

/// What Envoy takes beside those pages: a page that is being made is in the VM, and a
/// piece of its list on the way from the API server.
const BESIDE: u64 = 160;

const CLIENTS: usize = 20;

/// A list of 40 MB; all of it is the page.
const PAGE: &str = "/api/v1/configmaps?pageSize=100000&sortOrder=desc";

/// How long a client may leave everything lying, in seconds.
const SEND_TIMEOUT: &str = "20";
const STALL: Duration = Duration::from_secs(20);

const PATIENCE: Duration = Duration::from_secs(60);

/// A client that has asked for a page and has read the status.
struct Reader {
    stream: TcpStream,
    status: String,
}

// === impl Reader ===

impl Reader {
    async fn ask(gateway: &Gateway, token: &str, path: &str) -> Result<Self> {
        let authority = gateway.raw()?.authority().to_owned();
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        let mut stream = socket.connect(authority.parse()?).await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = [0; 12];
        tokio::time::timeout(PATIENCE, stream.read_exact(&mut head))
            .await
            .context("no answer begins")??;
        let status = String::from_utf8_lossy(&head).into_owned();
        Ok(Self { stream, status })
    }
}

#[test]
fn pages_that_nobody_takes_fill_no_more_memory_than_is_allowed() -> Result<()> {
    block_on(async {
        let names: Vec<String> = (0..40).map(|number| format!("m-{number:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let item = format!("\"{}\"}}", "x".repeat(1 << 20));
        let body = list(&names).replace("\"b\"}", &item);
        let size = body.len();
        let upstream = Scripted::start(whole(&body)).await?;
        let site = Site::new("slow-readers")?;
        site.add_plain_cluster("only", upstream.port()).await?;
        let unsent = UNSENT.to_string();
        let options = Options {
            plain: true,
            flags: [
                "--list-unsent-memory",
                unsent.as_str(),
                "--send-timeout",
                SEND_TIMEOUT,
                "--envoy-concurrency",
                "1",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let ann = gateway.user("ann", &[]).await?;
        let tokens = [
            gateway.new_token("admin").await?,
            gateway.new_token("ann").await?,
        ];
        // Who takes a page gets it, and the VM has the memory for it from then on.
        let page = ann.get(&cube("only", PAGE)).patience(PATIENCE);
        let page = page.send().await?.expect(200)?;
        ensure!(page.body.len() > size, "{} bytes", page.body.len());
        drop(page);
        let before = gateway.health().resident_bytes()?;

        let began = Instant::now();
        let mut readers = Vec::new();
        for number in 0..CLIENTS {
            let path = if number % 2 == 0 {
                cube("only", PAGE)
            } else {
                kube("only", PAGE)
            };
            let token = &tokens[number % tokens.len()];
            readers.push(Reader::ask(&gateway, token, &path).await?);
            let grown = gateway.health().resident_bytes()?.saturating_sub(before) >> 20;
            ensure!(
                grown < UNSENT + BESIDE,
                "Envoy grew by {grown} MiB after {number} clients"
            );
        }
        let with = |status: &str| {
            let is_with = |reader: &&Reader| reader.status.ends_with(status);
            readers.iter().filter(is_with).count()
        };
        let served = with("200");
        ensure!(served >= 1, "nobody was served");
        ensure!(
            served + with("429") + with("507") == CLIENTS,
            "{:?}",
            readers
                .iter()
                .map(|reader| &reader.status)
                .collect::<Vec<_>>()
        );
        if began.elapsed() < STALL {
            ensure!(
                served <= 3,
                "{served} pages of {} MiB are on their way",
                size >> 20
            );
        }

        // The refusal says when to come back; what is small goes on at once.
        let refused = ann
            .get(&kube("only", PAGE))
            .patience(PATIENCE)
            .send()
            .await?;
        if refused.status != 200 {
            refused.kube_error(429)?;
            let after = refused.header("retry-after").context("no Retry-After")?;
            ensure!(
                (1..=STALL.as_secs()).contains(&after.parse::<u64>()?),
                "{after}"
            );
        }
        let small = "/api/v1/configmaps?fields=metadata.name";
        ann.get(&cube("only", small)).send().await?.expect(200)?;

        // Nobody keeps a page by taking nothing of it.
        tokio::time::sleep(STALL * 2).await;
        for reader in &mut readers {
            if !reader.status.ends_with("200") {
                continue;
            }
            let mut rest = Vec::new();
            let end = tokio::time::timeout(PATIENCE, reader.stream.read_to_end(&mut rest)).await?;
            ensure!(
                end.is_err() || rest.len() < size,
                "a page was kept for a minute"
            );
        }
        until("there is room again", PATIENCE, || async {
            let answer = ann
                .get(&cube("only", PAGE))
                .patience(PATIENCE)
                .send()
                .await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        gateway.health().check().await?;
        gateway.stop().await
    })
}
