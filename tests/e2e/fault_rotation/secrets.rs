//! Secrets that cost a start, and nothing else.

use std::fs;

use anyhow::{Result, ensure};
use cubegate_tests::faults::{Scripted, whole};
use cubegate_tests::gateway::{ADMIN_PASSWORD, free_port};
use cubegate_tests::postgres::Postgres;
use cubegate_tests::run::unique;
use cubegate_tests::{Gateway, Options, Site, block_on};

#[test]
fn another_password_of_the_database_ends_no_connection_and_is_taken_at_a_start() -> Result<()> {
    block_on(async {
        let postgres = Postgres::shared()?;
        let name = format!("rotated_{}", unique());
        let url = postgres.database_of(&name, "first")?;
        let site = Site::new("rotate-database")?;
        fs::create_dir_all(site.dir())?;
        let file = site.dir().join("url");
        fs::write(&file, &url)?;
        let site = site.with_variable("CUBEGATE_DATABASE_URL_FILE", &file.display().to_string());
        let options = Options {
            plain: true,
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let site = gateway.site();
        let key = site.create_key("admin").await?;
        postgres.execute(&format!("ALTER USER {name} PASSWORD 'second'"))?;
        // Whoever is connected stays so; nobody else gets in.
        gateway.exchange(&key).await?;
        let refused = site.run(&["user", "list"]).await?;
        ensure!(
            refused
                .one_sentence()?
                .contains("password authentication failed"),
            "{refused:?}"
        );
        fs::write(&file, url.replace(":first@", ":second@"))?;
        site.ok(&["user", "list"]).await?;
        gateway.kill_control_plane().await?;
        gateway.restart_control_plane().await?;
        gateway.exchange(&key).await?;
        Ok(())
    })
}

#[test]
fn another_shared_secret_ends_tokens_and_nothing_else() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole("{}")).await?;
        let site = Site::new("rotate-hs256")?;
        site.begin().await?;
        site.add_plain_cluster("played", upstream.port()).await?;
        let listen = free_port()?;
        let path = "/api/v1/cube/proxy/clusters/played/version";
        let start = async |secret: &str| {
            let options = Options {
                plain: true,
                listen: Some(listen),
                hs256_secret: Some(secret.to_owned()),
                ..Options::default()
            };
            Gateway::start(site.clone(), &options).await
        };
        let gateway = start("the first secret of them all").await?;
        let key = site.create_key("admin").await?;
        let old = gateway.exchange(&key).await?;
        let client = gateway.client().with_bearer(&old)?;
        gateway.wait_for_cluster(&client, "played").await?;
        client.get(path).send().await?.expect(200)?;
        gateway.stop().await?;
        let gateway = start("the second secret of them all").await?;
        let new = gateway.exchange(&key).await?;
        let renewed = gateway.client().with_bearer(&new)?;
        gateway.wait_for_cluster(&renewed, "played").await?;
        renewed.get(path).send().await?.expect(200)?;
        gateway
            .client()
            .with_bearer(&old)?
            .get(path)
            .send()
            .await?
            .expect(401)?;
        gateway
            .client()
            .login("admin", ADMIN_PASSWORD)
            .await?
            .expect(200)?;
        gateway.stop().await
    })
}

#[test]
fn another_master_key_takes_clusters_keys_and_sessions_over() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole("{}")).await?;
        let site = Site::new("rotate-master")?;
        site.begin().await?;
        site.add_plain_cluster("played", upstream.port()).await?;
        let options = Options {
            plain: true,
            listen: Some(free_port()?),
            ..Options::default()
        };
        let path = "/api/v1/cube/proxy/clusters/played/version";
        let gateway = Gateway::start(site.clone(), &options).await?;
        let key = site.create_key("admin").await?;
        let client = gateway
            .client()
            .with_bearer(&gateway.exchange(&key).await?)?;
        let [_, refresh] = gateway
            .client()
            .tokens(format!(
                "grant_type=password&username=admin&password={ADMIN_PASSWORD}"
            ))
            .await?;
        let running = site.run(&["keys", "reseal"]).await?;
        ensure!(
            running.one_sentence()?.contains("another cubegate runs on"),
            "{running:?}"
        );
        gateway.stop().await?;

        let file = site.data_dir().join("master.key");
        let old = fs::read(&file)?;
        let said = site.ok(&["keys", "reseal"]).await?;
        ensure!(said.contains("of 1 clusters"), "{said}");
        let new = fs::read(&file)?;
        ensure!(old != new && !file.with_extension("key.next").exists());
        // Cut off between database and file, the next call goes on.
        fs::write(file.with_extension("key.next"), &new)?;
        fs::write(&file, &old)?;
        ensure!(
            site.run(&["user", "list"])
                .await?
                .one_sentence()?
                .contains("does not belong")
        );
        site.ok(&["keys", "reseal"]).await?;
        ensure!(fs::read(&file)? == new);
        assert_eq!(super::verbs(&site, "master-keys").await?, ["replace"]);

        let gateway = Gateway::start(site.clone(), &options).await?;
        gateway.wait_for_cluster(&client, "played").await?;
        client.get(path).send().await?.expect(200)?;
        gateway.exchange(&key).await?;
        gateway
            .client()
            .tokens(format!("grant_type=refresh_token&refresh_token={refresh}"))
            .await?;
        gateway.stop().await
    })
}
