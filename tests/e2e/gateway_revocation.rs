//! Tokens that are taken back: the filter refuses them within a bounded time, on every
//! worker, also those that it has verified before.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cubegate_tests::run::unique;
use cubegate_tests::{Gateway, until};
use http::Method;
use serde_json::json;

use crate::support::{in_the_world, kube};

const PASSWORD: &str = "a good Passw0rd";

/// How soon a token must be refused. It is pushed, so most often it takes some tens of
/// milliseconds.
const BOUND: Duration = Duration::from_secs(5);

/// So many answers of the same kind, one after the other, are those of all workers.
const IN_A_ROW: usize = 20;

/// Somebody with a token that was good just now.
struct Caller<'a> {
    gateway: &'a Gateway,
    user: String,
    token: String,
}

impl<'a> Caller<'a> {
    /// A new user, logged in as KubeCube's users are.
    async fn new(gateway: &'a Gateway) -> Result<Self> {
        let user = format!("revoked-{}", unique());
        gateway.site().add_user(&user, PASSWORD).await?;
        let token = login(gateway, &user, PASSWORD).await?;
        let caller = Self {
            gateway,
            user,
            token,
        };
        caller.is_good().await?;
        Ok(caller)
    }

    fn with(&self, token: String) -> Self {
        Self {
            gateway: self.gateway,
            user: self.user.clone(),
            token,
        }
    }

    async fn status(&self) -> Result<u16> {
        let path = kube("member-1", "/version");
        let request = self.gateway.client().get(&path).bearer(&self.token);
        Ok(request.send().await?.status)
    }

    /// The token leads to the cluster, whichever worker has the request.
    async fn is_good(&self) -> Result<()> {
        for _ in 0..IN_A_ROW {
            assert_eq!(self.status().await?, 200, "{}", self.user);
        }
        Ok(())
    }

    /// The token is refused within the bound, and from then on.
    async fn becomes_bad(&self, what: &str) -> Result<()> {
        until(what, BOUND, || async {
            for _ in 0..IN_A_ROW {
                if self.status().await? != 401 {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await?;
        // The control plane, too, which asks its database.
        let request = self.gateway.client().get("/api/v1/cube/key");
        let answer = request.bearer(&self.token).send().await?;
        assert_eq!(answer.cube_error(401)?, "Token invalid.", "{what}");
        Ok(())
    }
}

/// The token of a KubeCube login.
async fn login(gateway: &Gateway, user: &str, password: &str) -> Result<String> {
    let answer = gateway.client().login(user, password).await?;
    answer.expect(200)?.cookie_token()
}

#[test]
fn tokens_of_a_deleted_key_are_refused_and_others_of_its_user_are_not() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let caller = Caller::new(gateway).await?;
        let [gone, kept] = [
            gateway.site().create_key(&caller.user).await?,
            gateway.site().create_key(&caller.user).await?,
        ];
        let of_gone = caller.with(gateway.exchange(&gone).await?);
        let of_kept = caller.with(gateway.exchange(&kept).await?);
        of_gone.is_good().await?;
        let path = format!("/api/v1/cube/key?accessKey={}", gone.access_key);
        let request = gateway.client().delete(&path).bearer(&caller.token);
        request.send().await?.expect(200)?;
        of_gone.becomes_bad("the key is deleted").await?;
        of_kept.is_good().await?;
        caller.is_good().await
    })
}

#[test]
fn tokens_of_a_disabled_user_are_refused_also_when_the_user_comes_back() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let [by_api, by_command] = [Caller::new(gateway).await?, Caller::new(gateway).await?];
        let key = gateway.site().create_key(&by_api.user).await?;
        let of_key = by_api.with(gateway.exchange(&key).await?);
        let path = format!("/api/v1/cube/user/{}", by_api.user);
        gateway
            .admin()
            .await?
            .put(&path)
            .json(&json!({ "spec": { "state": "forbidden" } }))
            .send()
            .await?
            .expect(200)?;
        by_api.becomes_bad("the user is disabled").await?;
        of_key.becomes_bad("the user is disabled").await?;
        by_command.is_good().await?;
        let user = &by_command.user;
        gateway.site().ok(&["user", "disable", user]).await?;
        by_command.becomes_bad("the user is disabled").await?;

        gateway.site().ok(&["user", "enable", user]).await?;
        let again = by_command.with(login(gateway, user, PASSWORD).await?);
        again.is_good().await?;
        by_command.becomes_bad("the user came back").await
    })
}

#[test]
fn tokens_are_refused_once_their_user_has_another_password() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let caller = Caller::new(gateway).await?;
        let new = "An0ther good one";
        let body = json!({
            "userName": caller.user, "originPassword": PASSWORD, "newPassword": new,
        });
        gateway
            .client()
            .put("/api/v1/cube/user/pwd")
            .bearer(&caller.token)
            .json(&body)
            .send()
            .await?
            .expect(200)?;
        caller.becomes_bad("the password is another").await?;
        let again = caller.with(login(gateway, &caller.user, new).await?);
        again.is_good().await?;
        let user = &caller.user;
        let command = ["user", "passwd", user, "--password", PASSWORD];
        gateway.site().ok(&command).await?;
        again.becomes_bad("the password is another").await
    })
}

#[test]
fn a_logout_by_cookie_ends_the_login_and_no_other() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let caller = Caller::new(gateway).await?;
        let other = caller.with(login(gateway, &caller.user, PASSWORD).await?);
        other.is_good().await?;
        let answer = gateway
            .client()
            .post("/api/v1/cube/logout")
            .header("cookie", format!("Authorization=Bearer+{}", caller.token))
            .send()
            .await?
            .expect(200)?;
        let cookie = answer.header("set-cookie").context("no cookie")?;
        assert!(cookie.starts_with("Authorization=; "), "{cookie}");
        assert!(cookie.contains("Max-Age=0;"), "{cookie}");
        caller.becomes_bad("the login is ended").await?;
        other.is_good().await
    })
}

#[test]
fn a_logout_ends_a_session_and_no_other() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let caller = Caller::new(gateway).await?;
        let user = &caller.user;
        let form = format!("grant_type=password&username={user}&password=a+good+Passw0rd");
        let [ended, refresh] = gateway.client().tokens(&form).await?;
        let [kept, _] = gateway.client().tokens(&form).await?;
        let [ended, kept] = [ended, kept].map(|token| caller.with(token));
        ended.is_good().await?;
        let request = gateway.client().get("/oauth/logout").bearer(&ended.token);
        request.send().await?.expect(200)?;
        ended.becomes_bad("the session is ended").await?;
        let form = format!("grant_type=refresh_token&refresh_token={refresh}");
        let answer = gateway
            .client()
            .request(&Method::POST, "/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await?
            .expect(400)?
            .json()?;
        assert_eq!(answer["error"], json!("invalid_grant"));
        kept.is_good().await?;
        caller.is_good().await
    })
}
