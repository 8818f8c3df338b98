//! What the console keeps from others: scripts that are not its own, ways that lead elsewhere,
//! sessions that have ended, and what clusters answer.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::browser::{By, Visitor};
use cubegate_tests::run::unique;
use serde_json::json;

use crate::support::console::Console;
use crate::support::forms::{PASSWORD, cookie_of, page};
use crate::support::{cube, in_the_world};

#[test]
fn pages_run_nothing_inline_and_are_kept_nowhere() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.client();
        let user = format!("headers-{}", unique());
        world.gateway.user(&user, &[]).await?;
        let token = cookie_of(client, &user).await?;
        let mut nonces = BTreeSet::new();
        for path in [
            "/console/login",
            "/console/keys",
            "/console/docs",
            "/console/none",
        ] {
            let answer = page(client, path, &token).await?;
            let policy = answer.header("content-security-policy").context(path)?;
            let nonce = nonce(&policy)?;
            ensure!(nonces.insert(nonce.to_owned()), "{nonce} came twice");
            // Nothing of this origin may be run for being of it: clusters answer under it.
            for kind in ["script-src", "style-src"] {
                ensure!(
                    policy.contains(&format!("{kind} 'nonce-{nonce}';")),
                    "{policy}"
                );
            }
            let text = answer.text();
            ensure!(text.matches("<script").count() == 1, "{path}");
            ensure!(
                text.matches(&format!(r#"nonce="{nonce}""#)).count() == 2,
                "{path}"
            );
            ensure!(
                policy.contains("require-trusted-types-for 'script'"),
                "{policy}"
            );
            ensure!(policy.contains("default-src 'none'"), "{policy}");
            // The reference has a policy of its own: what calls have answered stands in it, and
            // it may ask nothing but the page that tries them.
            let origin = client.base().trim_start_matches("https://");
            let asks = match path {
                "/console/docs" => format!("connect-src {origin}/console/docs/try;"),
                _ => "connect-src 'self';".to_owned(),
            };
            ensure!(policy.contains(&asks), "{path}: {policy}");
            ensure!(!policy.contains("unsafe"), "{policy}");
            ensure!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
            assert_eq!(
                answer.header("x-content-type-options").as_deref(),
                Some("nosniff")
            );
            ensure!(!answer.text().contains(" style="), "{path}");
        }
        // What is not there has them, too.
        for path in ["/console/assets/none.js", "/console/assets/"] {
            let answer = client.get(path).anonymous().send().await?;
            answer.header("content-security-policy").context(path)?;
            assert_eq!(
                answer.header("x-content-type-options").as_deref(),
                Some("nosniff")
            );
        }
        // Where it all begins.
        let root = client.get("/").anonymous().send().await?.expect(303)?;
        assert_eq!(root.header("location").as_deref(), Some("/console/"));
        Ok(())
    })
}

/// The nonce of a policy.
fn nonce(policy: &str) -> Result<&str> {
    let (_, rest) = policy
        .split_once("script-src 'nonce-")
        .context("no nonce")?;
    let (nonce, _) = rest.split_once('\'').context("a nonce ends")?;
    ensure!(nonce.len() >= 32, "{nonce} can be guessed");
    Ok(nonce)
}

#[test]
fn nobody_is_led_from_the_login_to_a_call_of_the_api() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("led-{}", unique());
        world.gateway.site().add_user(&user, PASSWORD).await?;
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: None,
        };
        console
            .visit("led", Visitor::default(), async |page| {
                // Browsers read these dots as such; the call would make a key.
                page.goto("/console/login?next=/console/%252e%252E/api/v1/cube/key/create")
                    .await?;
                page.log_in(&user, PASSWORD).await?;
                ensure!(page.path().await? == "/console/keys");
                page.reads("You have no keys yet").await
            })
            .await?;
        // What another site sends where nobody is logged in is not kept for the login.
        let client = world.gateway.client();
        for (site, status) in [("cross-site", 303), ("same-origin", 401)] {
            let answer = client
                .post("/console/keys/new")
                .anonymous()
                .header("sec-fetch-site", site)
                .header("content-type", "application/x-www-form-urlencoded")
                .body("name=planted&csrf=unseen-1&password=unseen-2")
                .send()
                .await?
                .expect(status)?;
            ensure!(answer.text().contains("planted") == (status == 401));
            ensure!(!answer.text().contains("unseen"));
        }
        Ok(())
    })
}

#[test]
fn whoever_is_logged_out_comes_back_to_where_they_were() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("leaving-{}", unique());
        world.gateway.user(&user, &[]).await?;
        let admin = world.gateway.admin().await?;
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some((&user, PASSWORD)),
        };
        console
            .visit("session", Visitor::default(), async |page| {
                let cookies = page.cookies().await?;
                let cookie = cookies
                    .iter()
                    .find(|cookie| cookie.name == "__Host-Authorization")
                    .context("no cookie of the host alone")?;
                ensure!(cookie.http_only && cookie.secure);
                ensure!(cookie.same_site.as_deref() == Some("Lax"));

                page.goto("/console/resources?cluster=member-1&search=x")
                    .await?;
                let sessions = format!("/api/v1/cube/user/{user}/sessions");
                admin.delete(&sessions).send().await?.expect(200)?;
                page.goto("/console/resources?cluster=member-1&search=x")
                    .await?;
                ensure!(page.path().await?.starts_with("/console/login?next="));
                page.log_in(&user, PASSWORD).await?;
                let path = page.path().await?;
                ensure!(
                    path == "/console/resources?cluster=member-1&search=x",
                    "{path}"
                );
                // Nobody is led away.
                page.forget_cookies().await?;
                page.goto("/console/login?next=https%3A%2F%2Fevil.example%2F")
                    .await?;
                page.log_in(&user, PASSWORD).await?;
                ensure!(page.path().await?.starts_with("/console/"));
                page.click(By::Role("button", "Log out")).await?;
                page.find(By::Css("input[name=password]")).await?;
                page.goto("/console/keys").await?;
                ensure!(page.path().await?.starts_with("/console/login"));
                Ok(())
            })
            .await
    })
}

#[test]
fn what_a_cluster_answers_is_no_page_of_this_origin() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.pivot.kube;
        let namespace = kube.namespace("sandbox").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "script" },
            "data": { "a": "<script>document.title='it ran'</script>" },
        });
        kube.create(&maps, &map).await?;
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some(("admin", cubegate_tests::gateway::ADMIN_PASSWORD)),
        };
        console
            .visit("sandbox", Visitor::default(), async |page| {
                page.goto(&cube("pivot-cluster", &format!("{maps}/script")))
                    .await?;
                let origin: String = page.script("return window.origin", &[]).await?;
                ensure!(origin == "null", "the cluster's answer has the origin {origin}");
                let title: String = page.script("return document.title", &[]).await?;
                ensure!(title != "it ran");
                // Shown by the console it is text.
                page.goto(&format!(
                    "/console/resources/object?cluster=pivot-cluster&resource=configmaps.v1&namespace={namespace}&name=script"
                ))
                .await?;
                page.reads("<script>document.title='it ran'</script>").await?;
                let title: String = page.script("return document.title", &[]).await?;
                ensure!(title.starts_with("script"), "{title}");
                Ok(())
            })
            .await
    })
}
