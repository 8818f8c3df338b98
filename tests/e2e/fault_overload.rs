//! More clients than Envoy has memory for.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use cubegate_tests::faults::{Scripted, Step, head};
use cubegate_tests::{Site, block_on, until};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Playground, cube, kube};

/// What Envoy may use, in MiB, and what it must not exceed with all that is not its heap.
const MEMORY: &str = "192";
const MOST_BYTES: u64 = 700 << 20;

/// How long an overload may last on a machine that is busy.
const RECOVERY: Duration = Duration::from_secs(120);

#[test]
fn an_envoy_short_of_memory_says_so_and_comes_back() -> Result<()> {
    block_on(async {
        let flags = [
            "--envoy-memory",
            MEMORY,
            "--idle-timeout",
            "15",
            "--send-timeout",
            "30",
        ];
        let playground = Playground::of(Site::new("overload")?, true, &flags).await?;
        let gateway = &playground.gateway;
        let script = vec![head(&[]), Step::Send(vec![b'x'; 4 << 20]), Step::Stall];
        let upstream = Scripted::start(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let address = gateway.raw()?.authority().parse()?;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
            kube(&cluster, "/api/v1/pods?watch=true"),
            playground.minter().token("admin")?
        );
        let connect = async || -> Result<TcpStream> {
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(16 << 10)?;
            let mut stream = socket.connect(address).await?;
            stream.write_all(request.as_bytes()).await?;
            Ok(stream)
        };
        let client = playground.client()?;
        // Each holds some 1.3 MiB of Envoy's.
        let mut readers = Vec::new();
        let refused = until("Envoy is short of memory", RECOVERY, || async {
            let answer = client.get(&kube("x", "/version")).send().await;
            Ok(answer.ok().filter(|answer| answer.status == 503))
        });
        let flood = async {
            loop {
                // A connection that is closed at once is one refused, too.
                if let Ok(stream) = connect().await {
                    readers.push(stream);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let refused = tokio::select! {
            refused = refused => refused?,
            () = flood => bail!("it never ends"),
        };
        let message = refused.kube_error(503)?;
        ensure!(message.contains("The gateway is overloaded"), "{message}");
        ensure!(refused.header("retry-after").is_some());
        if let Ok(refused) = client.get(&cube("x", "/version")).send().await
            && refused.status == 503
        {
            ensure!(refused.cube_error(503)?.contains("overloaded"));
        }
        let used = gateway.health().resident_bytes()?;
        ensure!(used < MOST_BYTES, "{used} bytes");

        // Nobody reads, so they are let go, and Envoy has memory again.
        until("others are served again", RECOVERY, || async {
            let answer = client.get("/healthz").send().await;
            Ok(answer.ok().filter(|answer| answer.status == 200))
        })
        .await?;
        drop(readers);
        gateway.health().check().await
    })
}
