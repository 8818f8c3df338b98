//! The database is gone for a while: who is connected to it is cut off, and nobody gets in.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::faults::{Scripted, whole};
use cubegate_tests::gateway::{ADMIN_PASSWORD, free_port};
use cubegate_tests::postgres::Postgres;
use cubegate_tests::{Gateway, Options, Site, block_on, until};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

const PATIENCE: Duration = Duration::from_secs(30);

/// A line to a server, which ends with the value.
struct Wire(JoinHandle<()>);

impl Wire {
    async fn lay(port: u16, to: String) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        Ok(Self(tokio::spawn(async move {
            // All of them end with this task.
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let to = to.clone();
                connections.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(to).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        })))
    }

    fn cut(self) {
        self.0.abort();
    }
}

#[test]
fn without_its_database_requests_go_on_and_everything_else_is_told_and_comes_back() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole("{}")).await?;
        let url = Postgres::shared()?.database("gone")?;
        let (user, place) = url.rsplit_once('@').context("no user")?;
        let (server, name) = place.split_once('/').context("no database")?;
        let port = free_port()?;
        let wire = Wire::lay(port, server.to_owned()).await?;
        let through = format!("{user}@127.0.0.1:{port}/{name}");
        let site = Site::new("database-gone")?.with_variable("CUBEGATE_DATABASE_URL", &through);
        let options = Options {
            plain: true,
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let site = gateway.site();
        site.add_plain_cluster("played", upstream.port()).await?;
        let key = site.create_key("admin").await?;
        let admin = gateway
            .client()
            .with_bearer(&gateway.exchange(&key).await?)?;
        gateway.wait_for_cluster(&admin, "played").await?;
        let path = "/api/v1/cube/proxy/clusters/played/version";
        admin.get(path).send().await?.expect(200)?;

        wire.cut();
        let ready = gateway.control_plane(None)?;
        until("it is told", PATIENCE, || async {
            let answer = ready.get("/readyz").patience(PATIENCE).send().await?;
            Ok((answer.status == 503).then_some(()))
        })
        .await?;
        for _ in 0..20 {
            admin.get(path).send().await?.expect(200)?;
        }
        let refused = gateway
            .client()
            .get(&key.token_path())
            .patience(PATIENCE)
            .send()
            .await?;
        ensure!(refused.status == 503, "{}", refused.describe());
        let ended = site.run(&["doctor"]).await?;
        for check in ["database", "documents"] {
            let failed = format!("fail  {check}");
            ensure!(ended.stdout.contains(&failed), "{check}: {ended:?}");
        }

        let _wire = Wire::lay(port, server.to_owned()).await?;
        until("it is back", PATIENCE, || async {
            let answer = ready.get("/readyz").patience(PATIENCE).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        gateway
            .client()
            .login("admin", ADMIN_PASSWORD)
            .await?
            .expect(200)?;
        gateway.exchange(&key).await?;
        site.add_user("jane", "a good Passw0rd").await?;
        gateway.health().check().await
    })
}
