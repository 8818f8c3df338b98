//! Tokens that are not good enough, and that a good one is.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::Client;
use cubegate_tests::faults::{Scripted, whole, without_last};
use cubegate_tests::jwt::{self, Minter};
use cubegate_token::{Claims, Ed25519Signer, Signer, testing};
use serde_json::json;

use crate::support::{HS256_SECRET, World, cube, in_the_playground, in_the_world, kube};

const ISSUER: &str = "cubegate";

#[test]
fn without_a_readable_token_authentication_fails() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.client();
        let token = world.gateway.admin_token().await?;
        for (what, value) in [
            ("none", None),
            ("empty", Some(String::new())),
            ("no scheme", Some(token.to_owned())),
            ("another scheme", Some(format!("Basic {token}"))),
            ("two blanks", Some(format!("Bearer  {token}"))),
        ] {
            let with = |request: cubegate_tests::client::Request<'static>| match &value {
                Some(value) => request.header("authorization", value),
                None => request,
            };
            let answer = with(client.get(&cube("pivot-cluster", "/api/v1/pods")))
                .send()
                .await?;
            assert_eq!(answer.cube_error(401)?, "Authenticate failed.", "{what}");
            let answer = with(client.get(&kube("pivot-cluster", "/api/v1/pods")))
                .send()
                .await?;
            match value {
                // As Kubernetes and KubeSphere have it: somebody unknown, who may nothing.
                None => ensure!(
                    answer.kube_error(403)?
                        == r#"pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope"#
                ),
                Some(_) => assert_eq!(answer.kube_error(401)?, "Unauthorized", "{what}"),
            }
        }
        Ok(())
    })
}

#[test]
fn a_token_that_does_not_verify_is_invalid_on_every_path() -> Result<()> {
    in_the_world(async |world| {
        let good = world.gateway.admin_token().await?;
        let ours = our_signer(world)?;
        let now = jwt::now();
        let (head, rest) = good.split_once('.').context("no token")?;
        let (_, signature) = rest.split_once('.').context("no token")?;
        let payload = Minter::new(HS256_SECRET).kind("none", "admin")?;
        let payload = payload.split('.').nth(1).context("no payload")?;
        let bad = [
            (
                "expired two minutes ago",
                ours.sign(&claims("admin", &[], now - 120))?,
            ),
            (
                "of another key",
                foreign_signer().sign(&claims("admin", &[], now + 600))?,
            ),
            (
                "of another issuer",
                other_issuer(world)?.sign(&claims("admin", &[], now + 600))?,
            ),
            (
                "with another payload",
                format!("{head}.{payload}.{signature}"),
            ),
            (
                "without a signature",
                Minter::new(HS256_SECRET).kind("none", "admin")?,
            ),
            (
                "a plain KubeCube one",
                Minter::new(HS256_SECRET).token("admin")?,
            ),
            ("cut short", without_last(good, 8).to_owned()),
            ("no JWT", "x".to_owned()),
            ("three dots", "...".to_owned()),
            ("very long", "x".repeat(20_000)),
        ];
        let client = world.gateway.client();
        for (what, token) in bad {
            let path = cube("pivot-cluster", "/api/v1/pods");
            let answer = client.get(&path).bearer(&token).send().await?;
            assert_eq!(answer.cube_error(401)?, "Token invalid.", "{what}");
            let path = kube("pivot-cluster", "/api/v1/pods");
            let answer = client.get(&path).bearer(&token).send().await?;
            let message = answer.kube_error(401)?;
            ensure!(message.starts_with("Unauthorized"), "{what}: {message}");
            // The control plane reads the same tokens.
            let answer = client.get("/api/v1/cube/key").bearer(&token).send().await?;
            assert_eq!(answer.cube_error(401)?, "Token invalid.", "{what}");
        }
        Ok(())
    })
}

/// How far ahead the clock of a token's maker is, in seconds; what the gateway's own API and
/// KubeCube's paths say, and what the others do. `None` if the token is taken.
const AHEAD: [(u64, Option<&str>); 3] = [(60, None), (290, None), (600, Some(CLOCK_SKEW))];

const CLOCK_SKEW: &str = "The token was issued in the future: the clocks of the gateway's machines are too far apart; set them.";

#[test]
fn a_token_from_a_clock_ahead_is_taken_for_five_minutes_and_then_told_of_the_clock() -> Result<()> {
    in_the_world(async |world| {
        let ours = our_signer(world)?;
        let now = jwt::now();
        for (ahead, refusal) in AHEAD {
            let token = ours.sign(&Claims {
                issued_at: now + ahead,
                ..claims("admin", &[], now + ahead + 3_600)
            })?;
            let client = world.gateway.client();
            from_a_clock_ahead(client, "pivot-cluster", &token, refusal).await?;
            let path = "/kapis/resources.kubesphere.io/v1alpha3/namespaces";
            let answer = client.get(path).bearer(&token).send().await?;
            match refusal {
                None => drop(answer.expect(200)?),
                Some(why) => assert_eq!(answer.kube_error(401)?, format!("Unauthorized: {why}")),
            }
        }
        Ok(())
    })
}

#[test]
fn so_is_one_under_kubecubes_secret() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Scripted::start(whole(r#"{"items":[]}"#)).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.gateway.client();
        let minter = Minter::new(HS256_SECRET);
        let now = jwt::now();
        for (ahead, refusal) in AHEAD {
            let mut payload = jwt::payload("admin", Some(now + ahead + 3_600));
            payload["iat"] = json!(now + ahead);
            payload["nbf"] = json!(now + ahead);
            from_a_clock_ahead(client, &cluster, &minter.hs256(&payload)?, refusal).await?;
        }
        // Of a later time alone a token says nothing of clocks.
        let mut payload = jwt::payload("admin", Some(now + 3_600));
        payload["nbf"] = json!(now + 600);
        let token = minter.hs256(&payload)?;
        let pods = "/api/v1/pods";
        let answer = client
            .get(&kube(&cluster, pods))
            .bearer(&token)
            .send()
            .await?;
        let why = answer.kube_error(401)?;
        ensure!(
            why.starts_with("Unauthorized: token is not valid yet: "),
            "{why}"
        );
        let answer = client
            .get(&cube(&cluster, pods))
            .bearer(&token)
            .send()
            .await?;
        assert_eq!(answer.cube_error(401)?, "Token invalid.");
        Ok(())
    })
}

/// Shows a token on KubeCube's paths and Kubernetes' and at the gateway's own APIs.
async fn from_a_clock_ahead(
    client: &Client,
    cluster: &str,
    token: &str,
    refusal: Option<&str>,
) -> Result<()> {
    let pods = "/api/v1/pods";
    for path in [&cube(cluster, pods), "/api/v1/cube/key"] {
        let answer = client.get(path).bearer(token).send().await?;
        match refusal {
            None => drop(answer.expect(200)?),
            Some(why) => assert_eq!(answer.cube_error(401)?, why, "{path}"),
        }
    }
    let answer = client
        .get(&kube(cluster, pods))
        .bearer(token)
        .send()
        .await?;
    match refusal {
        None => drop(answer.expect(200)?),
        Some(why) => assert_eq!(answer.kube_error(401)?, format!("Unauthorized: {why}")),
    }
    let answer = client.get("/oauth/userinfo").bearer(token).send().await?;
    match refusal {
        None => drop(answer.expect(200)?),
        Some(why) => {
            let refused = answer.expect(401)?.json()?;
            assert_eq!(refused["error_description"], why);
        }
    }
    Ok(())
}

#[test]
fn a_token_for_a_system_name_is_refused_even_when_our_own_key_signed_it() -> Result<()> {
    in_the_world(async |world| {
        let ours = our_signer(world)?;
        let later = jwt::now() + 600;
        let path = cube("pivot-cluster", "/api/v1/namespaces/kube-system/secrets");
        // The same signer's ordinary token works, so it is the name that is refused.
        let token = ours.sign(&claims("admin", &[], later))?;
        world
            .gateway
            .client()
            .get(&path)
            .bearer(&token)
            .send()
            .await?
            .expect(200)?;
        for (user, groups) in [
            ("system:admin", vec![]),
            ("system:kube-controller-manager", vec![]),
            ("somebody", vec!["system:masters"]),
            ("somebody", vec!["kubecube", "system:nodes"]),
        ] {
            let token = ours.sign(&claims(user, &groups, later))?;
            let answer = world
                .gateway
                .client()
                .get(&path)
                .bearer(&token)
                .send()
                .await?;
            assert_eq!(
                answer.cube_error(401)?,
                "Token invalid.",
                "{user} {groups:?}"
            );
        }
        Ok(())
    })
}

#[test]
fn the_cookie_of_a_login_reads_through_the_proxy_and_a_bad_header_is_not_rescued() -> Result<()> {
    in_the_world(async |world| {
        let token = world.gateway.admin_token().await?;
        let path = cube("pivot-cluster", "/api/v1/namespaces/default/configmaps");
        let client = world.gateway.client();
        for form in [
            "Authorization=Bearer+",
            "Authorization=Bearer%20",
            "a=b; Authorization=Bearer ",
        ] {
            let answer = client
                .get(&path)
                .header("cookie", format!("{form}{token}"))
                .send()
                .await?;
            let answer = answer.expect(200)?;
            assert!(
                answer.header("set-cookie").is_none(),
                "the proxy sets no cookie"
            );
        }
        let request = client
            .get(&path)
            .header("cookie", format!("Authorization=Bearer+{token}"));
        let answer = request
            .header("authorization", "Bearer nonsense")
            .send()
            .await?;
        assert_eq!(answer.cube_error(401)?, "Token invalid.");
        Ok(())
    })
}

#[test]
fn a_write_by_cookie_from_another_site_is_refused() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.pivot.kube;
        let namespace = kube.namespace("tokens").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let token = world.gateway.admin_token().await?;
        let body = serde_json::json!({ "metadata": { "name": "evil" } });
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ] {
            let path = cube("pivot-cluster", &maps);
            let request = world
                .gateway
                .client()
                .post(&path)
                .json(&body)
                .header(name, value);
            let request = request.header("cookie", format!("Authorization=Bearer+{token}"));
            assert_eq!(
                request.send().await?.cube_error(403)?,
                "Forbidden.",
                "{name}"
            );
        }
        let names = kube.get(&maps).await?.names()?;
        assert!(!names.contains(&"evil".to_owned()), "nothing was written");
        Ok(())
    })
}

fn claims(user: &str, groups: &[&str], expires_at: u64) -> Claims {
    Claims {
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        id: Some("a-test".to_owned()),
        expires_at,
        ..testing::claims(user, jwt::now() - 600)
    }
}

/// The gateway's own key: what no attacker has.
fn our_signer(world: &World) -> Result<Signer> {
    let pem = fs::read_to_string(world.gateway.site().data_dir().join("signing.pem"))?;
    Ok(Signer::Ed25519(Box::new(Ed25519Signer::from_pem(
        &pem, ISSUER,
    )?)))
}

fn other_issuer(world: &World) -> Result<Signer> {
    let pem = fs::read_to_string(world.gateway.site().data_dir().join("signing.pem"))?;
    Ok(Signer::Ed25519(Box::new(Ed25519Signer::from_pem(
        &pem,
        "somebody-else",
    )?)))
}

fn foreign_signer() -> Signer {
    Signer::Ed25519(Box::new(Ed25519Signer::generate(ISSUER)))
}
