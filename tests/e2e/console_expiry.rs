//! Sessions that end by time, as their readers see it: the login says so, leads back, and keeps
//! what was typed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use cubegate_tests::browser::{By, LOGIN, Page, Visitor};
use cubegate_tests::gateway::Options;
use cubegate_tests::{Gateway, Shared, Site, block_on, until};

use crate::support::console::{Console, look};

const PASSWORD: &str = "a good Passw0rd";

/// How long a session lasts that nobody uses. It is renewed after a minute at the earliest.
const UNUSED: Duration = Duration::from_secs(66);

/// How long one lasts at most.
const LONGEST: Duration = Duration::from_secs(90);

/// As often somebody opens a page.
const NOW_AND_THEN: Duration = Duration::from_secs(1);

async fn gateway() -> Result<&'static Gateway> {
    static GATEWAY: Shared<Gateway> = Shared::new();
    let started = async {
        let options = Options {
            flags: vec![
                format!("--token-lifetime={}", UNUSED.as_secs()),
                format!("--session-lifetime={}", LONGEST.as_secs()),
            ],
            ..Options::default()
        };
        Gateway::start(Site::new("console-expiry")?, &options).await
    };
    GATEWAY.get(started).await
}

async fn as_user(name: &str, test: impl AsyncFnOnce(&Page) -> Result<()>) -> Result<()> {
    let gateway = gateway().await?;
    gateway.site().add_user(name, PASSWORD).await?;
    let console = Console {
        origin: &gateway.endpoints().gateway,
        account: Some((name, PASSWORD)),
    };
    console.visit(name, Visitor::default(), test).await
}

#[test]
fn a_session_that_nobody_uses_ends_and_what_was_typed_is_kept() -> Result<()> {
    block_on(async {
        as_user("idle", async |page| {
            page.goto("/console/keys/new").await?;
            page.fill(By::Css("#name"), "typed \"for\" <long>").await?;
            page.click(By::Css("input[name=access][value=some]"))
                .await?;
            for verb in ["get", "delete"] {
                let check = format!("input[name=verb][value={verb}]");
                page.click(By::Css(&check)).await?;
            }
            page.fill(By::Css("#namespaces"), "shop, blog").await?;
            until("the session has ended", UNUSED * 2, || async {
                let cookies = page.cookies().await?;
                let is_there = cookies.iter().any(|one| one.name.contains("Authorization"));
                Ok((!is_there).then_some(()))
            })
            .await?;

            page.click(By::Role("button", "Add the key")).await?;
            page.reads("Your session has ended").await?;
            page.reads("What you have typed is kept").await?;
            look(page, "session-ended").await?;
            // A wrong password loses nothing either.
            page.fill(By::Css("input[name=name]"), "idle").await?;
            page.fill(By::Css("input[name=password]"), "wrong").await?;
            page.click(By::Role("button", "Log in")).await?;
            page.reads("There is no user with this name").await?;
            page.log_in("idle", PASSWORD).await?;
            ensure!(page.path().await? == "/console/keys/new");
            // The two refusals stand in the browser's console.
            page.complaints().await?;
            page.reads("You are logged in again.").await?;
            ensure!(page.value(By::Css("#name")).await? == "typed \"for\" <long>");
            ensure!(page.value(By::Css("#namespaces")).await? == "shop, blog");
            let verbs = page.all(By::Css("input[name=verb]:checked")).await?;
            ensure!(verbs.len() == 2, "{} verbs", verbs.len());
            look(page, "form-resumed").await?;

            page.click(By::Role("button", "Add the key")).await?;
            page.reads("Your new secret").await?;
            page.goto("/console/keys").await?;
            let rows = page.all(By::Css("tbody tr")).await?;
            ensure!(rows.len() == 1, "{} keys", rows.len());
            Ok(())
        })
        .await
    })
}

#[test]
fn a_session_that_is_used_ends_at_its_time() -> Result<()> {
    block_on(async {
        as_user("busy", async |page| {
            let path = "/console/sessions?from=here";
            let began = Instant::now();
            until("the session has ended", LONGEST * 2, || async {
                tokio::time::sleep(NOW_AND_THEN).await;
                page.goto(path).await?;
                Ok(page.path().await?.starts_with(LOGIN).then_some(()))
            })
            .await?;
            let lasted = began.elapsed();
            ensure!(
                lasted > UNUSED + Duration::from_secs(5),
                "it was not renewed: it ended after {lasted:?}"
            );
            ensure!(lasted < LONGEST + Duration::from_secs(20), "{lasted:?}");
            page.reads("Your session has ended, or you have not logged in yet.")
                .await?;
            look(page, "login-back").await?;
            page.log_in("busy", PASSWORD).await?;
            ensure!(page.path().await? == path);
            Ok(())
        })
        .await
    })
}
