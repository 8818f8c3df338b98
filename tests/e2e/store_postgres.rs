//! The gateway on PostgreSQL, alone and with a second one on the same database.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use cubegate_tests::gateway::{ADMIN_PASSWORD, free_port};
use cubegate_tests::postgres::Postgres;
use cubegate_tests::{Gateway, Options, Site, block_on, until};

const VARIABLE: &str = "CUBEGATE_DATABASE_URL";
const PASSWORD: &str = "a good Passw0rd";

fn options() -> Options {
    Options {
        plain: true,
        ..Options::default()
    }
}

#[test]
fn everything_outlives_a_killed_control_plane() -> Result<()> {
    block_on(async {
        let postgres = Postgres::shared()?;
        let url = postgres.database("restart")?;
        let site = Site::new("postgres")?.with_variable(VARIABLE, &url);
        let gateway = Gateway::start(site, &options()).await?;
        let site = gateway.site();
        site.add_user("jane", PASSWORD).await?;
        let key = site.create_key("jane").await?;
        site.add_plain_cluster("played", free_port()?).await?;
        let token = gateway.exchange(&key).await?;
        let jane = gateway.client().with_bearer(&token)?;
        gateway.wait_for_cluster(&jane, "played").await?;

        gateway.kill_control_plane().await?;
        gateway.restart_control_plane().await?;
        gateway
            .client()
            .login("jane", PASSWORD)
            .await?
            .expect(200)?;
        gateway
            .client()
            .login("admin", ADMIN_PASSWORD)
            .await?
            .expect(200)?;
        gateway.exchange(&key).await?;
        jane.get("/oauth/userinfo").send().await?.expect(200)?;
        let listed = site.ok(&["cluster", "list"]).await?;
        assert!(listed.contains("played"), "{listed}");
        let listed = site.ok(&["key", "list"]).await?;
        assert!(listed.contains(&key.access_key), "{listed}");

        // All of it is there and not here, and the password is nowhere.
        assert!(!site.data_dir().join("cubegate.db").exists());
        let envoy = fs::read_to_string(site.data_dir().join("envoy/envoy.pid"))?;
        let environment = fs::read(format!("/proc/{}/environ", envoy.trim()))?;
        let environment = String::from_utf8_lossy(&environment);
        assert!(!environment.contains(postgres.password()), "{environment}");
        gateway.stop().await?;
        let log = fs::read_to_string(site.dir().join("up.log"))?;
        assert!(!log.contains(postgres.password()), "{log}");
        Ok(())
    })
}

#[test]
fn two_control_planes_on_one_database_are_one_gateway() -> Result<()> {
    block_on(async {
        let url = Postgres::shared()?.database("shared")?;
        let site = Site::new("postgres-one")?.with_variable(VARIABLE, &url);
        let one = Gateway::start(site, &options()).await?;
        let site = Site::new("postgres-two")?.with_variable(VARIABLE, &url);
        fs::create_dir(site.data_dir())?;
        for file in ["master.key", "signing.pem"] {
            let from = one.site().data_dir().join(file);
            fs::copy(from, site.data_dir().join(file))?;
        }
        let two = Gateway::start(site, &options()).await?;

        // The first has made the administrator.
        two.client()
            .login("admin", ADMIN_PASSWORD)
            .await?
            .expect(200)?;
        one.site().add_user("jane", PASSWORD).await?;
        let key = two.site().create_key("jane").await?;
        let token = one.exchange(&key).await?;
        let jane = two.client().with_bearer(&token)?;
        one.site().add_plain_cluster("played", free_port()?).await?;
        two.wait_for_cluster(&jane, "played").await?;

        // What the one takes back, the other's filter refuses.
        one.site().ok(&["key", "delete", &key.access_key]).await?;
        let proxied = "/api/v1/cube/proxy/clusters/played/version";
        until("the token is refused", Duration::from_secs(10), || async {
            let answer = jane.get(proxied).send().await?;
            Ok((answer.status == 401).then_some(()))
        })
        .await?;
        one.stop().await?;
        two.stop().await
    })
}

#[test]
fn a_database_that_cannot_be_used_is_one_sentence_without_its_password() -> Result<()> {
    block_on(async {
        let server = Postgres::shared()?;
        let good = server.database("refusals")?;
        let nobody = free_port()?;
        for (url, expected) in [
            (
                "mysql://me:hunter2@h/d".to_owned(),
                "sqlite:// or postgres://",
            ),
            ("postgres://me:hunter2@h".to_owned(), "/DATABASE"),
            ("postgres://me:1/hunter2@h/d".to_owned(), "%XX"),
            ("postgres://me:hunter2@h/d?tls=on".to_owned(), "sslmode"),
            (
                format!("postgres://me:hunter2@127.0.0.1:{nobody}/d"),
                "Connection refused",
            ),
            (
                good.replace(server.password(), "hunter2"),
                "password authentication failed",
            ),
            (
                "sqlite:///nowhere/at/all.db".to_owned(),
                "/nowhere/at/all.db",
            ),
        ] {
            let site = Site::new("postgres-refusals")?;
            let flag = ["user", "list", "--database-url", &url];
            let by_flag = site.run(&flag).await?;
            let site = site.with_variable(VARIABLE, &url);
            let by_variable = site.run(&["user", "list"]).await?;
            let envoy = site.artifacts().envoy.display().to_string();
            let filter = site.artifacts().filter.display().to_string();
            let up = ["up", "--plain", "--envoy", &envoy, "--filter", &filter];
            for ended in [by_flag, by_variable, site.run(&up).await?] {
                let sentence = ended.one_sentence()?;
                assert!(sentence.contains(expected), "{sentence}");
                assert!(!sentence.contains("hunter2"), "{sentence}");
            }
            // A master key is made for a database that is new, and for no other.
            let made = site.data_dir().join("master.key").exists();
            assert_eq!(made, url.starts_with("sqlite"), "{url}");
        }
        let site = Site::new("postgres-help")?.with_variable(VARIABLE, &good);
        let help = site.ok(&["up", "--help"]).await?;
        assert!(help.contains(VARIABLE) && !help.contains(server.password()));
        Ok(())
    })
}

#[test]
fn a_master_key_that_is_not_the_databases_is_one_sentence() -> Result<()> {
    block_on(async {
        let url = Postgres::shared()?.database("keys")?;
        let first = Site::new("postgres-key")?.with_variable(VARIABLE, &url);
        first.add_user("jane", PASSWORD).await?;
        let other = Site::new("postgres-no-key")?.with_variable(VARIABLE, &url);
        let ended = other.run(&["user", "list"]).await?;
        let sentence = ended.one_sentence()?;
        assert!(sentence.contains("master.key is missing"), "{sentence}");
        fs::create_dir(other.data_dir())?;
        fs::write(other.data_dir().join("master.key"), [7; 32])?;
        let ended = other.run(&["user", "list"]).await?;
        let sentence = ended.one_sentence()?;
        assert!(sentence.contains("does not belong"), "{sentence}");
        let listed = first.ok(&["user", "list"]).await?;
        assert!(listed.contains("jane"), "{listed}");
        Ok(())
    })
}
