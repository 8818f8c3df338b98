//! So much is taken back, or so much has happened to the database, that who is disabled
//! could stay in.

mod history;

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::cli::KeyPair;
use cubegate_tests::database::Database;
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Gateway, Options, Site, block_on, until};
use futures::future::try_join_all;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::kube;

/// How many parts each list of what is refused is in.
const PARTS: usize = 16;

const PASSWORD: &str = "a good Passw0rd";
const PATIENCE: Duration = Duration::from_secs(30);

/// What is taken back by the API is in force everywhere this soon. It is the best of
/// several that counts, as other tests run beside this one; [`PATIENCE`] is for each.
const IN_FORCE: Duration = Duration::from_secs(1);

/// Until a development build, which other tests run beside, has read half a million rows
/// for the first time. Later it reads only what is new.
const FIRST_READING: Duration = Duration::from_secs(180);

/// A gateway of the test's own with one cluster, `first`.
struct Place {
    gateway: Gateway,
    _upstream: Scripted,
}

impl Place {
    async fn start(name: &str, flags: &[&str]) -> Result<Self> {
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let site = Site::new(name)?;
        site.add_plain_cluster("first", upstream.port()).await?;
        Ok(Self {
            gateway: Gateway::start(site, &options(flags)).await?,
            _upstream: upstream,
        })
    }

    async fn database(&self) -> Result<Database> {
        Database::of(self.gateway.site()).await
    }

    async fn user(&self) -> Result<String> {
        let name = format!("user-{}", unique());
        self.gateway.site().add_user(&name, PASSWORD).await?;
        Ok(name)
    }

    async fn log_in(&self, user: &str) -> Result<[String; 2]> {
        let form = format!("grant_type=password&username={user}&password=a+good+Passw0rd");
        self.gateway.client().tokens(form).await
    }

    async fn refresh(&self, token: &str) -> Result<[String; 2]> {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        self.gateway.client().tokens(form).await
    }

    /// Takes one token back.
    async fn revoke(&self, token: &str) -> Result<()> {
        let client = self.gateway.client();
        let request = client.form("/oauth/revoke", format!("token={token}"));
        request.send().await?.expect(200).map(drop)
    }

    /// What the filter says of a token.
    async fn status(&self, token: &str) -> Result<u16> {
        let path = kube("first", "/version");
        let request = self.gateway.client().get(&path).bearer(token);
        Ok(request.send().await?.status)
    }

    async fn is_good(&self, token: &str) -> Result<()> {
        ensure!(self.status(token).await? == 200);
        Ok(())
    }

    /// The filter refuses a token, for good; how long that took.
    async fn becomes_bad(&self, what: &str, token: &str) -> Result<Duration> {
        let began = Instant::now();
        until(what, PATIENCE, || async {
            let status = self.status(token).await?;
            ensure!(status == 200 || status == 401, "{what}: {status}");
            Ok((status == 401).then_some(()))
        })
        .await?;
        let took = began.elapsed();
        for _ in 0..20 {
            ensure!(self.status(token).await? == 401, "{what}");
        }
        Ok(took)
    }

    async fn set_state(&self, admin: &Client, user: &str, state: &str) -> Result<()> {
        let path = format!("/api/v1/cube/user/{user}");
        let body = json!({ "spec": { "state": state } });
        admin.put(&path).json(&body).send().await?.expect(200)?;
        Ok(())
    }

    /// Disables users one after the other, by the API and once by the command line.
    async fn disabling_is_in_force(&self) -> Result<()> {
        let admin = self.gateway.admin().await?;
        let mut best = Duration::MAX;
        for _ in 0..4 {
            let user = self.user().await?;
            let [token, _] = self.log_in(&user).await?;
            self.is_good(&token).await?;
            self.set_state(&admin, &user, "forbidden").await?;
            best = best.min(self.becomes_bad("the user is disabled", &token).await?);
        }
        ensure!(best <= IN_FORCE, "the fastest of four took {best:?}");
        let user = self.user().await?;
        let [token, _] = self.log_in(&user).await?;
        self.gateway.site().ok(&["user", "disable", &user]).await?;
        self.becomes_bad("the user is disabled", &token).await?;
        Ok(())
    }
}

fn options(flags: &[&str]) -> Options {
    Options {
        plain: true,
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        ..Options::default()
    }
}

/// Sessions as logins leave them, and `refreshes` of each, as they leave them: what
/// `Store::refresh_session` does to a row, and what it moves of the revision.
async fn refresh_by_hand(database: &mut Database, sessions: u32, refreshes: u32) -> Result<()> {
    database
        .execute(&[&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {sessions})
             INSERT INTO sessions (id, user_name, user_epoch, generation, token_hash, rotated_at,
             access_until, replaced_until, expires_at, revision)
             SELECT 'made-' || i, 'user-' || (i % 15000), 1, 1, 'hash-' || i, 0,
             unixepoch() + 7200, 0, unixepoch() + 14400, 0 FROM n"
        )])
        .await?;
    for _ in 0..refreshes {
        database
            .execute(&[
                &format!(
                    "UPDATE installation SET revision = revision + {sessions},
                     session_revision = session_revision + {sessions}"
                ),
                "UPDATE sessions SET generation = generation + 1, replaced_until = access_until,
                 access_until = unixepoch() + 7230, expires_at = unixepoch() + 14400,
                 token_hash = token_hash || 'x', rotated_at = unixepoch(),
                 revision = (SELECT session_revision FROM installation)
                 WHERE id LIKE 'made-%'",
            ])
            .await?;
    }
    Ok(())
}

#[test]
fn after_a_million_refreshes_a_disabled_user_is_out_within_a_second() -> Result<()> {
    block_on(async {
        let place = Place::start("refreshes", &[]).await?;
        let mut database = place.database().await?;
        refresh_by_hand(&mut database, 100_000, 10).await?;
        let entries = "SELECT COUNT(*) FROM revocations WHERE kind IN ('session', 'token')";
        ensure!(
            database.number(entries).await? == 0,
            "a refresh leaves no entry"
        );

        // And some that are refreshed as people do it.
        let users = try_join_all((0..4).map(|_| place.user())).await?;
        try_join_all(users.iter().map(|user| async {
            let [mut access, mut refresh] = place.log_in(user).await?;
            for _ in 0..25 {
                let former = access;
                [access, refresh] = place.refresh(&refresh).await?;
                place.is_good(&access).await?;
                place.becomes_bad("it was refreshed", &former).await?;
            }
            Ok::<_, anyhow::Error>(())
        }))
        .await?;
        ensure!(
            database.number(entries).await? == 0,
            "a refresh leaves no entry"
        );
        place.disabling_is_in_force().await?;
        let ready = place.gateway.client().get("/readyz").send().await?;
        ensure!(ready.status == 200, "{}", ready.describe());
        place.gateway.health().check().await?;
        place.gateway.stop().await
    })
}

#[test]
fn half_a_million_tokens_that_were_taken_back_hold_nobody_up() -> Result<()> {
    block_on(async {
        let place = Place::start("half-a-million", &[]).await?;
        let user = place.user().await?;
        let [taken_back, _] = place.log_in(&user).await?;
        let [kept, _] = place.log_in(&user).await?;
        let mut database = place.database().await?;
        database
            .execute(&[
                "UPDATE installation SET revision = revision + 500000,
                 session_revision = session_revision + 500000",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)
                 INSERT INTO revocations (kind, subject, expires_at, user_name, revision)
                 SELECT 'token', lower(hex(randomblob(16))), unixepoch() + 7200, 'user-' || (i % 1000),
                 (SELECT session_revision FROM installation) FROM n",
            ])
            .await?;
        place.revoke(&taken_back).await?;
        // While the long document is read for the first time.
        place.disabling_is_in_force().await?;
        // What is asked meanwhile is answered.
        let slowest = Cell::new(Duration::ZERO);
        until("the long document is in force", FIRST_READING, || {
            let (place, kept, taken_back, slowest) = (&place, &kept, &taken_back, &slowest);
            async move {
                let began = Instant::now();
                place.is_good(kept).await?;
                slowest.set(began.elapsed().max(slowest.get()));
                Ok((place.status(taken_back).await? == 401).then_some(()))
            }
        })
        .await?;
        let slowest = slowest.get();
        ensure!(
            slowest < Duration::from_secs(3),
            "a request took {slowest:?}"
        );
        place.disabling_is_in_force().await?;
        let client = place.gateway.client().with_bearer(&kept)?;
        place.gateway.site().add_plain_cluster("second", 1).await?;
        place.gateway.wait_for_cluster(&client, "second").await?;
        for kind in ["cubegate-epochs", "cubegate-sessions"] {
            let name = format!("{kind}-.*.update_rejected");
            let rejected = place.gateway.health().stats(&name).await?;
            ensure!(
                rejected.len() == PARTS && rejected.iter().all(|(_, value)| *value == 0),
                "{rejected:?}"
            );
        }
        place.gateway.health().check().await?;

        // An Envoy that is new gets all of it before it listens.
        let pid = place.gateway.health().pid().cast_signed();
        kill_process(Pid::from_raw(pid).context("a process id")?, Signal::KILL)?;
        until("another Envoy serves", PATIENCE, || async {
            match place.status(&kept).await {
                Ok(200) => Ok(Some(())),
                // Refused connections, and what a beginning Envoy says.
                Ok(_) | Err(_) => Ok(None),
            }
        })
        .await?;
        ensure!(place.status(&taken_back).await? == 401);
        place.gateway.stop().await
    })
}

#[test]
fn a_key_that_takes_its_tokens_back_in_a_loop_loses_them_all_and_is_bounded() -> Result<()> {
    block_on(async {
        let place = Place::start("loop", &[]).await?;
        let user = place.user().await?;
        let key: KeyPair = place.gateway.site().create_key(&user).await?;
        let kept = place.gateway.exchange(&key).await?;
        place.is_good(&kept).await?;
        let mut database = place.database().await?;
        let mut longest = 0;
        for _ in 0..30 {
            try_join_all((0..10).map(|_| async {
                let token = place.gateway.exchange(&key).await?;
                place.revoke(&token).await
            }))
            .await?;
            let entries = "SELECT COUNT(*) FROM revocations WHERE kind = 'token'";
            longest = longest.max(database.number(entries).await?);
        }
        ensure!((200..=256).contains(&longest), "{longest} entries");
        place
            .becomes_bad("it is of the former epoch", &kept)
            .await?;
        place.is_good(&place.gateway.exchange(&key).await?).await?;
        place.disabling_is_in_force().await?;
        place.gateway.health().check().await?;
        place.gateway.stop().await
    })
}
