//! What was before: longer lifetimes, and a database that is older than it was.

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::{Answer, Gateway, block_on};

use super::{Place, options};

#[test]
fn who_was_disabled_stays_out_when_lifetimes_were_longer_before() -> Result<()> {
    block_on(async {
        let place = Place::start("lifetimes", &[]).await?;
        let user = place.user().await?;
        let [short, _] = place.log_in(&user).await?;
        let answer = place
            .gateway
            .client()
            .get("/api/v1/cube/user/kubeconfigs")
            .bearer(&short)
            .send()
            .await?
            .expect(200)?;
        let token = token_of_kubeconfig(&answer)?;
        place.is_good(&token).await?;
        let site = place.gateway.site().clone();
        place.gateway.stop().await?;
        let flags = ["--kubeconfig-lifetime", "60", "--token-lifetime", "60"];
        let place = Place {
            gateway: Gateway::start(site, &options(&flags)).await?,
            ..place
        };
        let admin = place.gateway.admin().await?;
        place.set_state(&admin, &user, "forbidden").await?;
        place.becomes_bad("the user is disabled", &token).await?;
        // A week later by the present lifetimes, and something else has changed.
        let mut database = place.database().await?;
        database
            .execute(&["UPDATE revocations SET expires_at = unixepoch() - 1"])
            .await?;
        let other = place.user().await?;
        let [of_other, _] = place.log_in(&other).await?;
        place.set_state(&admin, &other, "forbidden").await?;
        place.becomes_bad("another is disabled", &of_other).await?;
        ensure!(
            place.status(&token).await? == 401,
            "the token is good again"
        );
        // And let in again, the old token stays what it is.
        place.set_state(&admin, &user, "normal").await?;
        let [again, _] = place.log_in(&user).await?;
        place.is_good(&again).await?;
        ensure!(
            place.status(&token).await? == 401,
            "the token is good again"
        );
        place.gateway.stop().await
    })
}

fn token_of_kubeconfig(answer: &Answer) -> Result<String> {
    use base64::Engine as _;
    let text: String = serde_json::from_value(answer.json()?)?;
    let document = base64::engine::general_purpose::STANDARD.decode(text)?;
    let document: serde_json::Value = serde_json::from_slice(&document)?;
    let token = document.pointer("/users/0/user/token");
    let token = token.and_then(|token| token.as_str());
    Ok(token.context("a kubeconfig without a token")?.to_owned())
}

#[test]
fn who_is_disabled_after_a_backup_was_put_back_is_out_and_new_clusters_are_known() -> Result<()> {
    block_on(async {
        let place = Place::start("backup", &[]).await?;
        for _ in 0..3 {
            let user = place.user().await?;
            place.gateway.site().ok(&["user", "disable", &user]).await?;
        }
        let mut database = place.database().await?;
        database
            .execute(
                &["UPDATE installation SET revision = 1, cluster_revision = 0,
                        epoch_revision = 0, session_revision = 1"],
            )
            .await?;
        place.disabling_is_in_force().await?;
        let user = place.user().await?;
        let [token, refresh] = place.log_in(&user).await?;
        place.refresh(&refresh).await?;
        place.becomes_bad("it was refreshed", &token).await?;
        let admin = place.gateway.admin().await?;
        place.gateway.site().add_plain_cluster("second", 1).await?;
        place.gateway.wait_for_cluster(&admin, "second").await?;
        place.gateway.stop().await
    })
}
