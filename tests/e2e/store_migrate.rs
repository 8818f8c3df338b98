//! From SQLite to PostgreSQL and back, with what a running gateway has left.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::cli::KeyPair;
use cubegate_tests::faults::{Scripted, whole};
use cubegate_tests::postgres::Postgres;
use cubegate_tests::{Gateway, Options, Site, block_on};
use serde_json::Value;

const VARIABLE: &str = "CUBEGATE_DATABASE_URL";
const PASSWORD: &str = "a good Passw0rd";
const PATH: &str = "/api/v1/cube/proxy/clusters/played/version";

fn options() -> Options {
    Options {
        plain: true,
        ..Options::default()
    }
}

/// What somebody has of a gateway, and it must be good wherever the database is.
struct Held {
    token: String,
    key: KeyPair,
    refused: String,
    gone: KeyPair,
    cookie: String,
    listed: Vec<Value>,
    records: BTreeSet<String>,
}

impl Held {
    async fn of(gateway: &Gateway) -> Result<Self> {
        let site = gateway.site();
        site.ok(&[
            "user",
            "add",
            "jane",
            "--password",
            PASSWORD,
            "--group",
            "team-a",
        ])
        .await?;
        site.add_user("joe", PASSWORD).await?;
        let key = site
            .create_key_with("jane", &["--name", "deploy", "--description", "\u{1F680}"])
            .await?;
        let gone = site.create_key("jane").await?;
        let (token, refused) = (
            gateway.exchange(&key).await?,
            gateway.exchange(&gone).await?,
        );
        site.ok(&["key", "delete", &gone.access_key]).await?;
        site.ok(&["user", "disable", "joe"]).await?;
        let login = gateway
            .client()
            .login("jane", PASSWORD)
            .await?
            .expect(200)?;
        let cookie = login.header("set-cookie").context("no cookie")?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let jane = gateway.client().with_bearer(&token)?;
        gateway.wait_for_cluster(&jane, "played").await?;
        jane.get(PATH).send().await?.expect(200)?;
        let listed = Self::listed(site).await?;
        Ok(Self {
            token,
            key,
            refused,
            gone,
            cookie,
            listed,
            records: BTreeSet::new(),
        })
    }

    /// What the listings show that does not change with a use.
    async fn listed(site: &Site) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for arguments in [
            ["cluster", "list"].as_slice(),
            &["user", "list"],
            &["user", "group", "list", "jane"],
            &["key", "list", "--user", "jane"],
            &["node", "list"],
        ] {
            let shown = site.ok(&[arguments, &["-o", "json"]].concat()).await?;
            let mut shown: Value = serde_json::from_str(&shown)?;
            for item in shown["items"].as_array_mut().into_iter().flatten() {
                for (part, field) in [
                    ("", "envoys"),
                    ("", "status"),
                    ("", "reason"),
                    ("", "since"),
                    ("", "version"),
                    ("", "latencyMs"),
                    ("", "lastSeenAt"),
                    ("/status", "lastLoginTime"),
                    ("/spec", "lastUsedTime"),
                    ("/spec", "lastUsedAddress"),
                    ("/spec", "lastUsedCluster"),
                    ("/status", "lastLoginIP"),
                ] {
                    if let Some(part) = item.pointer_mut(part).and_then(Value::as_object_mut) {
                        part.remove(field);
                    }
                }
            }
            all.push(shown);
        }
        Ok(all)
    }

    /// Everything is as it was.
    async fn check(&mut self, gateway: &Gateway) -> Result<()> {
        let (client, site) = (gateway.client(), gateway.site());
        let jane = client.with_bearer(&self.token)?;
        gateway.wait_for_cluster(&jane, "played").await?;
        jane.get(PATH).send().await?.expect(200)?;
        client
            .with_bearer(&self.refused)?
            .get(PATH)
            .send()
            .await?
            .expect(401)?;
        gateway.exchange(&self.key).await?;
        gateway.try_exchange(&self.gone).await?.cube_error(400)?;
        let by_cookie = client.get(PATH).header("cookie", &self.cookie);
        by_cookie.send().await?.expect(200)?;
        let disabled = client.login("joe", PASSWORD).await?;
        assert_eq!(disabled.cube_error(400)?, "User is disabled.");
        client.login("jane", PASSWORD).await?.expect(200)?;
        assert_eq!(Self::listed(site).await?, self.listed);
        let records = Self::records(site).await?;
        ensure!(records.is_superset(&self.records), "records are lost");
        Ok(())
    }

    async fn records(site: &Site) -> Result<BTreeSet<String>> {
        let text = site.ok(&["audit", "export"]).await?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

#[test]
fn what_a_running_gateway_has_left_is_good_on_the_other_database_and_back() -> Result<()> {
    block_on(async {
        let postgres = Postgres::shared()?;
        let url = postgres.database("migrate")?;
        let upstream = Scripted::start(whole("{}")).await?;
        let site = Site::new("migrate")?;
        site.begin().await?;
        site.add_plain_cluster("played", upstream.port()).await?;
        let gateway = Gateway::start(site.clone(), &options()).await?;
        let mut held = Held::of(&gateway).await?;
        let file = site.dir().join("target");
        fs::write(&file, format!("{url}\n"))?;
        let file = file.display().to_string();
        let migrate = ["migrate", "--to-file", &file];
        let refused = site.run(&migrate).await?;
        ensure!(
            refused.one_sentence()?.contains("another cubegate runs on"),
            "{refused:?}"
        );
        gateway.stop().await?;

        held.records = Held::records(&site).await?;
        ensure!(held.records.len() > 5, "{:?}", held.records);
        let source = fs::read(site.data_dir().join("cubegate.db"))?;
        let said = site.ok(&migrate).await?;
        ensure!(
            said.contains("read again and compared") && !said.contains(postgres.password()),
            "{said}"
        );
        // The source stays, and a second time there is no room.
        ensure!(
            source == fs::read(site.data_dir().join("cubegate.db"))?,
            "the source has changed"
        );
        let again = site.run(&migrate).await?;
        ensure!(again.one_sentence()?.contains("is not empty"), "{again:?}");

        let on_postgres = site.clone().with_variable(VARIABLE, &url);
        let recorded = on_postgres.changes("databases").await?;
        ensure!(
            matches!(&recorded[..], [(verb, to)] if verb == "migrate"
                && to.starts_with("postgres://") && !to.contains(postgres.password())),
            "{recorded:?}"
        );
        let gateway = Gateway::start(on_postgres.clone(), &options()).await?;
        held.check(&gateway).await?;
        held.records = Held::records(&on_postgres).await?;
        let back = format!("sqlite://{}", site.dir().join("back.db").display());
        let migrate = ["migrate", "--to", &back, "-o", "json"];
        let refused = on_postgres.run(&migrate).await?;
        ensure!(
            refused.one_sentence()?.contains("stop all of them first"),
            "{refused:?}"
        );
        gateway.stop().await?;

        let said: Value = serde_json::from_str(&on_postgres.ok(&migrate).await?)?;
        let users = said["tables"].as_array().context("no tables")?;
        ensure!(
            users
                .iter()
                .any(|table| table["name"] == "users" && table["rows"] == 3),
            "{said}"
        );
        let on_sqlite = site.clone().with_variable(VARIABLE, &back);
        let gateway = Gateway::start(on_sqlite, &options()).await?;
        held.check(&gateway).await?;
        gateway.stop().await
    })
}
