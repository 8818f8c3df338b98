//! Records that are sent on, to a webhook and to syslog.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::*;

/// A webhook that can be away.
struct Receiver {
    port: u16,
    away: Arc<AtomicBool>,
    got: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let away = Arc::new(AtomicBool::new(false));
        let got = Arc::new(Mutex::new(Vec::new()));
        let (is_away, keep) = (Arc::clone(&away), Arc::clone(&got));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (is_away, keep) = (Arc::clone(&is_away), Arc::clone(&keep));
                tokio::spawn(async move { receive(stream, &is_away, &keep).await });
            }
        });
        Ok(Self { port, away, got })
    }

    fn ids(&self) -> BTreeSet<String> {
        let got = self.got.lock().unwrap();
        let ids = got.iter().map(|record| record["id"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    }
}

/// Answers one request, and closes.
async fn receive(mut stream: TcpStream, away: &AtomicBool, got: &Mutex<Vec<Value>>) -> Result<()> {
    let mut request = Vec::new();
    let body = loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .context("no length")?
            .parse()?;
        if body.len() >= length {
            ensure!(head.contains("authorization: bearer s3cret"), "{head}");
            break body.to_owned();
        }
    };
    let status = if away.load(Ordering::Relaxed) {
        "503 Service Unavailable"
    } else {
        let records = body.lines().map(serde_json::from_str);
        let records: Vec<Value> = records.collect::<Result<_, _>>()?;
        got.lock().unwrap().extend(records);
        "204 No Content"
    };
    let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}

#[test]
fn a_webhook_that_was_away_gets_every_record_also_over_a_kill() -> Result<()> {
    block_on(async {
        let receiver = Receiver::start().await?;
        let syslog = UdpSocket::bind("127.0.0.1:0").await?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = Arc::clone(&heard);
        let syslog_address = format!("udp://{}", syslog.local_addr()?);
        tokio::spawn(async move {
            let mut datagram = vec![0; 65_536];
            while let Ok(length) = syslog.recv(&mut datagram).await {
                let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
                hear.lock().unwrap().push(text);
            }
        });
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let site = Site::new("audit-sinks")?;
        site.add_plain_cluster("only", upstream.port()).await?;
        let webhook = format!("http://127.0.0.1:{}/in", receiver.port);
        let flags = [
            "--audit-webhook",
            &webhook,
            "--audit-webhook-header",
            "Authorization: Bearer s3cret",
            "--audit-syslog",
            &syslog_address,
        ];
        let options = Options {
            plain: true,
            flags: flags.map(str::to_owned).to_vec(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let admin = gateway.admin().await?;
        let site = gateway.site();
        let began = until("the sinks are there", PATIENCE, || async {
            admin
                .get(&cube("only", "/api/v1/configmaps"))
                .send()
                .await?;
            Ok(receiver.ids().into_iter().next())
        })
        .await?;

        receiver.away.store(true, Ordering::Relaxed);
        for _ in 0..20 {
            admin
                .get(&cube("only", "/api/v1/configmaps"))
                .send()
                .await?
                .expect(200)?;
        }
        // A command notes what it changes, too, while nobody sends.
        site.add_user("jane", "a good Passw0rd").await?;
        tokio::time::sleep(ALL_HAVE_COME).await;
        gateway.kill_control_plane().await?;
        site.add_user("john", "a good Passw0rd").await?;
        let had = receiver.ids();
        receiver.away.store(false, Ordering::Relaxed);
        gateway.restart_control_plane().await?;
        site.add_user("jack", "a good Passw0rd").await?;

        let exported = || async {
            let lines = site.ok(&["audit", "export"]).await?;
            let ids = lines.lines().map(|line| {
                let record: Value = serde_json::from_str(line)?;
                Ok((record["id"].as_str().context("no id")?.to_owned(), record))
            });
            let records: Vec<(String, Value)> = ids.collect::<Result<_>>()?;
            Ok::<_, anyhow::Error>(records)
        };
        until(
            "everything has arrived",
            Duration::from_secs(60),
            || async {
                let got = receiver.ids();
                // Those that are counted come when their minute is over.
                let missing = exported().await?.into_iter().find(|(id, record)| {
                    *id >= began && record.get("count").is_none() && !got.contains(id)
                });
                Ok(missing.is_none().then_some(()))
            },
        )
        .await?;
        let got = receiver.ids();
        ensure!(got.is_superset(&had), "something was taken back");
        for name in ["jane", "john", "jack"] {
            let named = |record: &Value| record["name"] == json!(name);
            ensure!(
                receiver.got.lock().unwrap().iter().any(named),
                "{name} did not arrive"
            );
        }
        until("syslog has heard of it", PATIENCE, || async {
            let heard = heard.lock().unwrap();
            let told = |name: &str| {
                let name = format!("\"name\":\"{name}\"");
                heard.iter().any(|message: &String| {
                    message.starts_with("<110>1 2") && message.contains(&name)
                })
            };
            Ok((told("jane") && told("john") && told("jack")).then_some(()))
        })
        .await?;
        gateway.stop().await?;
        let log = std::fs::read_to_string(site.dir().join("up.log"))?;
        ensure!(log.contains("audit records do not arrive"), "{log}");
        ensure!(
            !log.contains("s3cret"),
            "the webhook's credential is logged"
        );
        Ok(())
    })
}
